import typescript from 'typescript';
import { describe, expect, it } from 'vitest';
import { addModuleImports, type ModuleImport } from '../../../../lib/cli/init/edit-module.js';
import { defaultStyle, readStyle } from '../../../../lib/cli/init/source-style.js';
import { parseSource } from '../../../../lib/cli/init/typescript.js';

const elements: readonly ModuleImport[] = [
  { code: 'DtmModule.forRoot()', from: [{ name: 'DtmModule', specifier: 'nestjs-dtm' }] },
  { code: 'TransferModule', from: [{ name: 'TransferModule', specifier: './transfer.js' }] },
];

function edited(text: string): string | undefined {
  const source = parseSource(typescript, 'app.module.ts', text);
  if (!source) throw new Error('the text has syntax errors');
  return addModuleImports(typescript, source, elements, readStyle(typescript, source, defaultStyle(true)));
}

const head = `import { Module } from '@nestjs/common';\n`;
const added = `import { DtmModule } from 'nestjs-dtm';\nimport { TransferModule } from './transfer.js';\n`;

describe('addModuleImports', () => {
  it.each<[string, string, string]>([
    [
      'an empty list',
      `${head}\n@Module({\n  imports: [],\n  providers: [],\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    DtmModule.forRoot(),\n    TransferModule,\n  ],\n  providers: [],\n})\nexport class AppModule {}\n`,
    ],
    [
      'a list on one line',
      `${head}\n@Module({\n  imports: [A, B.forRoot({ c: [1, 2] })],\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    A,\n    B.forRoot({ c: [1, 2] }),\n    DtmModule.forRoot(),\n    TransferModule,\n  ],\n})\nexport class AppModule {}\n`,
    ],
    [
      'a list on several lines, with comments',
      `${head}\n@Module({\n  imports: [\n    A, // first\n    // second\n    B.forRoot({\n      c: 1,\n    }), // last\n  ],\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    A, // first\n    // second\n    B.forRoot({\n      c: 1,\n    }), // last\n    DtmModule.forRoot(),\n    TransferModule,\n  ],\n})\nexport class AppModule {}\n`,
    ],
    [
      'a list without a comma at its end',
      `${head}\n@Module({\n  imports: [\n    A,\n    B // last\n  ]\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    A,\n    B, // last\n    DtmModule.forRoot(),\n    TransferModule\n  ]\n})\nexport class AppModule {}\n`,
    ],
    [
      'a list whose bracket is on the line of its last element',
      `${head}\n@Module({\n  imports: [A,\n    B],\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [A,\n    B, DtmModule.forRoot(), TransferModule],\n})\nexport class AppModule {}\n`,
    ],
    [
      'no list',
      `${head}\n@Module({\n  providers: [],\n})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    DtmModule.forRoot(),\n    TransferModule,\n  ],\n  providers: [],\n})\nexport class AppModule {}\n`,
    ],
    [
      'an empty module',
      `${head}\n@Module({})\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({\n  imports: [\n    DtmModule.forRoot(),\n    TransferModule,\n  ],\n})\nexport class AppModule {}\n`,
    ],
    [
      'a module on one line',
      `${head}\n@Module({ providers: [] })\nexport class AppModule {}\n`,
      `${head}${added}\n@Module({ imports: [\n    DtmModule.forRoot(),\n    TransferModule,\n  ], providers: [] })\nexport class AppModule {}\n`,
    ],
  ])('changes %s', (_what, before, after) => {
    expect(edited(before)).toBe(after);
  });

  it('keeps quotes, indentation, line breaks and missing semicolons', () => {
    const before = `import { Module } from "@nestjs/common"\r\n\r\n@Module({\r\n\timports: [A],\r\n})\r\nexport class AppModule {}\r\n`;
    expect(edited(before)).toBe(
      `import { Module } from "@nestjs/common"\r\nimport { DtmModule } from "nestjs-dtm"\r\nimport { TransferModule } from "./transfer.js"\r\n\r\n` +
        `@Module({\r\n\timports: [\r\n\t\tA,\r\n\t\tDtmModule.forRoot(),\r\n\t\tTransferModule,\r\n\t],\r\n})\r\nexport class AppModule {}\r\n`,
    );
  });

  it('does not import a name again', () => {
    const before = `${head}import { DtmModule } from 'nestjs-dtm';\n\n@Module({ imports: [] })\nclass AppModule {}\n`;
    expect(edited(before)!.match(/DtmModule }/g)).toHaveLength(1);
  });

  it.each([
    ['a variable', `${head}const imports = [];\n@Module({ imports })\nclass AppModule {}`],
    ['an expression', `${head}@Module({ imports: [A].concat(B) })\nclass AppModule {}`],
    ['a spread', `${head}@Module({ ...shared })\nclass AppModule {}`],
    ['a variable for all', `${head}@Module(metadata)\nclass AppModule {}`],
    ['no module', `${head}export const a = 1;`],
    ['two modules', `${head}@Module({})\nclass A {}\n@Module({})\nclass B {}`],
    ['a class of the name', `${head}class TransferModule {}\n@Module({ imports: [] })\nclass AppModule {}`],
    [
      'another import of the name',
      `${head}import { TransferModule } from './other.js';\n@Module({ imports: [] })\nclass AppModule {}`,
    ],
    ['a comment in an empty list', `${head}@Module({ imports: [/* none */] })\nclass AppModule {}`],
  ])('leaves %s alone', (_what, text) => {
    expect(edited(text)).toBeUndefined();
  });
});
