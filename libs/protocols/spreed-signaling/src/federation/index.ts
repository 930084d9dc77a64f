export * from './dialogue';
export * from './incoming';
export * from './names';
export * from './outgoing';
