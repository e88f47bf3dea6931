// what both Jest and Vitest define in the generated applications
declare const describe: typeof import('vitest').describe;
declare const it: typeof import('vitest').it;
declare const expect: typeof import('vitest').expect;
declare const afterEach: typeof import('vitest').afterEach;

// what only Jest defines
declare const jest: { resetModules(): void; requireActual<T>(name: string): T };
