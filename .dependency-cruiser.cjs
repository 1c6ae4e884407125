/**
 * The order of folders in docs/architecture.md, enforced: a folder imports only from folders before it in this list.
 * Run by `npm run lint`; test/architecture/dependency-rules.long.spec.ts plants violations and checks that they are found.
 */
const FOLDERS = [
  'platform',
  'http',
  'queue',
  'accounts',
  'requests',
  'reports',
  'callbacks',
  'jobs',
  'mail',
  'books',
  'tickets',
  'schedules',
  'benchmark',
  'operations',
  'edge',
  'app',
  'cli',
];

const upwards = FOLDERS.flatMap((folder, index) => {
  const above = FOLDERS.slice(index + 1);
  if (above.length === 0) return [];
  return [
    {
      name: `${folder}-imports-downwards`,
      comment: `src/${folder} may import only from: ${FOLDERS.slice(0, index).join(', ') || 'packages'}`,
      severity: 'error',
      // A spec may reach further, for what it needs to set up.
      from: { path: `^src/${folder}/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `^src/(${above.join('|')})/` },
    },
  ];
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upwards,
    {
      name: 'known-folders',
      comment: 'Every folder of src/ has its place in the order of docs/architecture.md',
      severity: 'error',
      from: { path: `^src/(?!(${FOLDERS.join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'no-circles',
      comment: 'Neither files nor folders import each other in a circle',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { circular: true },
    },
    {
      name: 'stores-are-private',
      comment:
        'Only a feature itself calls its stores and repositories; others may know their types. The claims of all queues have one condition in common',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '^src/(app|cli)/|\\.spec\\.ts$' },
      to: {
        path: '^src/[^/]+/.*\\.(store|repository)\\.ts$',
        pathNot: '^src/($1/|queue/pauses/not-paused\\.store)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'entry-points-are-not-imported',
      severity: 'error',
      from: {},
      to: { path: '^src/(main|worker)\\.ts$' },
    },
    {
      name: 'the-dashboard-knows-only-the-api',
      severity: 'error',
      from: { path: '^web/src/' },
      to: { path: '^(src|migrations|test|bench)/' },
    },
    {
      name: 'the-service-knows-no-test-and-no-benchmark',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|bench|web)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    includeOnly: '^(src|migrations|test|bench|web|ormconfig)',
  },
};
