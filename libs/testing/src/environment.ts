/** The variables through which a test run's one set-up tells its worker processes what it started. */
export const ENV = {
  /** Set by people or CI: a PostgreSQL server whose role may create databases, used instead of the embedded one. */
  databaseUrl: 'PARLEY_TEST_DATABASE_URL',
  /** Set by the run's set-up: the server all tests share. */
  serverUrl: 'PARLEY_TEST_POSTGRES_SERVER',
  /** Set by the run's set-up: the migrated database that tests clone. */
  template: 'PARLEY_TEST_POSTGRES_TEMPLATE',
  /** Set by the run's set-up: a file to which workers append the processes they started, see the undertaker. */
  processes: 'PARLEY_TEST_PROCESSES',
} as const;
