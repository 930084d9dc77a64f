export * from './call-flags';
export * from './checks';
export * from './decode';
export * from './dialout';
export * from './entries';
export * from './replies';
export * from './request';
