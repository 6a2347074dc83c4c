import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// Who may import whom: ARCHITECTURE's table, by nx tags. e2e/src/repository/import-rules.test.ts proves that they bite.
const libs = (...scopes) => scopes.map((scope) => `scope:${scope}`);

const publicEntries = { group: ['@armilla/*/src/*', '@armilla/*/dist/*'], message: 'import the public entry' };
const bannedImports = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { patterns: [publicEntries, ...patterns] }],
});

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/build/**',
      '**/gen/**',
      '**/node_modules/**',
      '**/*.mjs',
      '**/*.cjs',
      '**/*.as.ts',
      '**/.venv/**',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      'no-empty': ['error', { allowEmptyCatch: false }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          depConstraints: [
            { sourceTag: 'type:proto', onlyDependOnLibsWithTags: [] },
            { sourceTag: 'scope:base', onlyDependOnLibsWithTags: [] },
            { sourceTag: 'scope:gpu-core', onlyDependOnLibsWithTags: libs('base') },
            { sourceTag: 'scope:sky', onlyDependOnLibsWithTags: libs('base', 'gpu-core') },
            { sourceTag: 'scope:tables', onlyDependOnLibsWithTags: libs('base') },
            { sourceTag: 'scope:chassis', onlyDependOnLibsWithTags: [...libs('base'), 'type:proto'] },
            {
              sourceTag: 'scope:gateway',
              onlyDependOnLibsWithTags: [...libs('base', 'chassis', 'tables'), 'type:proto'],
            },
            { sourceTag: 'type:service', onlyDependOnLibsWithTags: ['type:lib', 'type:proto'] },
            { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:service', 'type:lib', 'type:proto', 'type:app'] },
            { sourceTag: 'type:e2e', onlyDependOnLibsWithTags: ['type:app', 'type:service', 'type:lib', 'type:proto'] },
          ],
        },
      ],
      ...bannedImports(),
    },
  },
  {
    files: ['libs/{base,gpu-core,sky,tables}/**/*.ts'],
    rules: bannedImports(
      {
        group: ['@opentelemetry/sdk-*', '@opentelemetry/exporter-*'],
        message: 'libraries import @opentelemetry/api only',
      },
      {
        group: ['@grpc/*', 'fastify', '@armilla/proto'],
        message: 'only services, chassis and gateway speak gRPC and HTTP',
      },
    ),
  },
  {
    // A service is a library with a server attached: only these two files know proto and gRPC.
    files: ['services/crossmatch/src/**/*.ts'],
    ignores: [
      'services/crossmatch/src/service.ts',
      'services/crossmatch/src/service/**',
      'services/crossmatch/src/main.ts',
      '**/*.test.ts',
    ],
    rules: bannedImports({
      group: ['@grpc/*', '@armilla/proto', '@armilla/chassis'],
      message: 'only service.ts and main.ts know proto and gRPC types',
    }),
  },
  { files: ['**/*.test.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
);
