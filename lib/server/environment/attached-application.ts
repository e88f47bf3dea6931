import {
  DtmConfigError,
  type ApplicationBranches,
  type BranchHeadersSource,
  type CoordinatorLogger,
  type InProcessBranchCall,
  type Outcome,
} from '../../protocol/internal.js';
import { stderrLogger } from './stderr-logger.js';

/** The application around an embedded coordinator, which is created before it knows the application. */
export class AttachedApplication implements ApplicationBranches {
  #application: ApplicationBranches | undefined;
  #logger = stderrLogger;

  /** Writes to the log of the application, and to stderr while there is none. */
  readonly logger: CoordinatorLogger = {
    info: (message, fields) => this.#logger.info(message, fields),
    warn: (message, fields) => this.#logger.warn(message, fields),
    error: (message, fields) => this.#logger.error(message, fields),
  };

  /** @throws DtmConfigError when another application was attached before */
  attach(application: ApplicationBranches, logger: CoordinatorLogger = stderrLogger): void {
    if (this.#application && this.#application !== application) {
      throw new DtmConfigError(
        'embeddedServer: the coordinator belongs to another application already; create a coordinator for each application',
      );
    }
    this.#application = application;
    this.#logger = logger;
  }

  get name(): string | undefined {
    return this.#application?.name;
  }

  get branchHeaders(): BranchHeadersSource | undefined {
    return this.#application?.branchHeaders;
  }

  has(path: string): boolean {
    return this.#application?.has(path) ?? false;
  }

  /** Called only for a branch that the application has. */
  call(call: InProcessBranchCall): Promise<Outcome> {
    return this.#application!.call(call);
  }
}
