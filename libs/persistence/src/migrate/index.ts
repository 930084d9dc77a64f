export { applyMigrations } from './apply-migrations';
export { createMigration } from './create-migration';
export { schemaDrift, type DriftOptions } from './schema-drift';
