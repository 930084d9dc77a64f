/** Injection token of the operators' {@link AdminStore}. */
export const ADMIN_STORE = Symbol('parley.admin-store');
