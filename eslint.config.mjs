import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

/**
 * The import borders: domain in the middle, wires at the edge, machines behind ports. Who may import what is the table
 * of the architecture; a new package is added here in the same commit.
 */
const elements = [
  { type: 'domain', pattern: 'libs/domain' },
  { type: 'contracts', pattern: 'libs/contracts' },
  { type: 'client', pattern: 'libs/client' },
  { type: 'config', pattern: 'libs/config' },
  { type: 'server-kit', pattern: 'libs/server-kit' },
  { type: 'persistence', pattern: 'libs/persistence' },
  { type: 'live', pattern: 'libs/live' },
  { type: 'queue', pattern: 'libs/queue' },
  { type: 'testing', pattern: 'libs/testing' },
  { type: 'protocol', pattern: 'libs/protocols/*', capture: ['protocol'] },
  { type: 'app', pattern: 'apps/*', capture: ['app'] },
  { type: 'bench', pattern: 'bench' },
  { type: 'e2e', pattern: 'e2e' },
  { type: 'tools', pattern: 'tools' },
];

const allowed = {
  domain: [],
  contracts: ['domain'],
  // Runs in browsers.
  client: ['contracts'],
  config: [],
  'server-kit': ['domain', 'config'],
  persistence: ['domain', 'config'],
  live: ['domain', 'config'],
  queue: ['domain', 'config'],
  testing: ['domain', 'contracts', 'persistence', 'live', 'queue', 'config', 'server-kit', 'protocol', 'tools'],
  protocol: ['domain'],
  app: ['domain', 'contracts', 'protocol', 'persistence', 'live', 'queue', 'config', 'server-kit'],
  bench: ['domain', 'persistence', 'server-kit', 'tools'],
  e2e: ['testing', 'contracts', 'domain', 'client'],
  tools: ['persistence', 'domain', 'config', 'testing'],
};

const policies = Object.entries(allowed).map(([from, to]) => ({
  from: { element: { type: from } },
  allow: { to: { element: { types: { anyOf: to } } } },
}));

/** What tests may import besides: the servers and scripted clients of `testing`, and the client of browsers. */
const testPolicies = elements.map(({ type }) => ({
  from: { element: { type } },
  allow: { to: { element: { types: { anyOf: ['testing', 'client'] } } } },
}));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.parley/**', 'libs/persistence/src/generated/**'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        module: 'writable',
        require: 'readonly',
        __dirname: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        setImmediate: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly',
        WebAssembly: 'readonly',
        performance: 'readonly',
      },
    },
  },
  {
    files: ['**/*.spec.mjs'],
    languageOptions: {
      globals: {
        describe: 'readonly',
        it: 'readonly',
        expect: 'readonly',
        beforeEach: 'readonly',
        afterEach: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { boundaries },
    settings: {
      'boundaries/elements': elements,
      'import/resolver': {
        typescript: { project: './tsconfig.json', conditionNames: ['parley-source', 'types', 'default'] },
      },
    },
    rules: {
      'boundaries/dependencies': ['error', { default: 'disallow', policies }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { prefer: 'type-imports', fixStyle: 'inline-type-imports' },
      ],
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts'],
    rules: { 'boundaries/dependencies': ['error', { default: 'disallow', policies: [...policies, ...testPolicies] }] },
  },
  {
    // The environment is read in one place, once; everybody else is handed a typed configuration.
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: ['libs/config/**', 'libs/testing/**', '**/main.ts', '**/*.spec.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read the environment through @parley/config.' },
      ],
    },
  },
  {
    files: ['libs/client/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\.{1,2}/|@parley/contracts$)', message: 'Browsers have no such module.' }] },
      ],
      'no-restricted-globals': ['error', 'Buffer', 'process', 'require', 'setImmediate', '__dirname', '__filename'],
    },
  },
  {
    files: ['libs/domain/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The domain is handed a Clock.' },
        { object: 'process', property: 'env', message: 'The domain is handed its configuration.' },
      ],
    },
  },
  {
    files: ['apps/**/*.ts'],
    rules: {
      // Nest reads constructor parameter types at run time, so they must stay value imports.
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
);
