export * from './join.schema';
export * from './problem.schema';
export * from './regions.schema';
export * from './admin.schema';
