import {
  DtmConfigError,
  type ApplicationBranches,
  type InProcessBranchCall,
  type Outcome,
} from '../../protocol/internal.js';

/** The application around an embedded coordinator, which is created before it knows the application. */
export class AttachedApplication implements ApplicationBranches {
  #application: ApplicationBranches | undefined;

  /** @throws DtmConfigError when another application was attached before */
  attach(application: ApplicationBranches): void {
    if (this.#application && this.#application !== application) {
      throw new DtmConfigError(
        'embeddedServer: the coordinator belongs to another application already; create a coordinator for each application',
      );
    }
    this.#application = application;
  }

  get name(): string | undefined {
    return this.#application?.name;
  }

  has(path: string): boolean {
    return this.#application?.has(path) ?? false;
  }

  /** Called only for a branch that the application has. */
  call(call: InProcessBranchCall): Promise<Outcome> {
    return this.#application!.call(call);
  }
}
