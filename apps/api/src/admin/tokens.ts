/** Injection token of the operators' {@link AdminStore}. */
export const ADMIN_STORE = Symbol('parley.admin-store');

/** Injection token of what tells the gateways that backends changed: `() => Promise<void>`. */
export const BACKENDS_CHANGED = Symbol('parley.backends-changed');
