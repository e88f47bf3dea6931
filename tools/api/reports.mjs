import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { readJson } from '../support/root.mjs';
import { temporaryFolder } from '../support/temporary-folder.mjs';
import { readSurfaces } from './surface.mjs';

/** @import ts from 'typescript' */
/** @import { IConfigFile } from '@microsoft/api-extractor' */
/** @import { Surface } from './surface.mjs' */

/**
 * The surface of one entry.
 *
 * @typedef {object} Report
 * @property {string} entry What users import.
 * @property {string} file Name of the report.
 * @property {string} text
 * @property {readonly string[]} undocumented Exports without a docstring.
 */

/**
 * Describes what each entry of a built package exports.
 *
 * @param {string} folder - of the package
 * @param {readonly { subpath: string, types: string }[]} entries
 * @returns {Report[]}
 * @throws Error when a declaration cannot be read
 */
export function makeReports(folder, entries) {
  const { name } = readJson(join(folder, 'package.json'));
  const files = entries.map(({ types }) => join(folder, types));
  const configs = files.map((file) => configFor(folder, file, files));
  const [first] = configs;
  if (!first) return [];

  // One program for all entries: a program for each would take ten times as long.
  const compilerState = CompilerState.create(first, { additionalEntryPoints: files });
  const program = /** @type {ts.Program} */ (compilerState.program);
  const surfaces = readSurfaces(program, files);

  return entries.map(({ subpath }, index) => {
    const config = /** @type {ExtractorConfig} */ (configs[index]);
    const surface = /** @type {Surface} */ (surfaces.get(/** @type {string} */ (files[index])));
    const entry = posix.join(name, subpath);
    return {
      entry,
      file: `${subpath === '.' ? name : subpath.slice(2).replaceAll('/', '.')}.api.md`,
      text:
        [
          `# ${entry}`,
          'Made by `npm run api`, not by hand.',
          declarationsOf(config, compilerState),
          ...listsOf(surface),
        ].join('\n\n') + '\n',
      undocumented: surface.undocumented,
    };
  });
}

/**
 * @param {string} folder
 * @param {string} entry
 * @param {readonly string[]} files
 * @returns {ExtractorConfig}
 */
function configFor(folder, entry, files) {
  const reportFolder = temporaryFolder('api');
  const silent = { logLevel: ExtractorLogLevel.None };
  /** @type {IConfigFile} */
  const configObject = {
    projectFolder: folder,
    mainEntryPointFilePath: entry,
    newlineKind: 'lf',
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          module: 'nodenext',
          target: 'es2023',
          lib: ['es2023'],
          types: ['node'],
          strict: true,
          skipLibCheck: true,
        },
        files,
      },
    },
    apiReport: { enabled: true, reportFileName: 'entry.api.md', reportFolder, reportTempFolder: reportFolder },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      extractorMessageReporting: {
        default: { logLevel: ExtractorLogLevel.Error },
        // Everything that an entry exports is public; `check:docs` looks at links; `unexported` looks at all entries at once.
        'ae-missing-release-tag': silent,
        'ae-unresolved-link': silent,
        'ae-forgotten-export': silent,
        'ae-undocumented': silent,
      },
      tsdocMessageReporting: { default: silent },
    },
  };
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  });
}

/**
 * @param {ExtractorConfig} config
 * @param {CompilerState} compilerState
 * @returns {string} the declarations as a code block
 */
function declarationsOf(config, compilerState) {
  /** @type {string[]} */
  const errors = [];
  Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error)
        errors.push(message.formatMessageWithLocation(config.projectFolder));
      message.handled = true;
    },
  });
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const report = readFileSync(config.reportFilePath, 'utf8');
  const [, code = ''] =
    /^```ts\n+([^]*?)\n*```$/m.exec(report.replace('// (No @packageDocumentation comment for this package)\n', '')) ??
    [];
  return `\`\`\`ts\n${code}\n\`\`\``;
}

/**
 * @param {Surface} surface
 * @returns {string[]}
 */
function listsOf({ unexported, options }) {
  return [...list('Mentioned here, exported by no entry', unexported), ...list('Options to document', options)];
}

/**
 * @param {string} title
 * @param {readonly string[]} items
 * @returns {string[]}
 */
function list(title, items) {
  return items.length > 0 ? [`## ${title}`, items.map((item) => `- ${item}`).join('\n')] : [];
}
