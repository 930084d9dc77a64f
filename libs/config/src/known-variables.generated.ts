/** Every variable some service reads. Written by tools/config-doc.mjs; do not edit. */
export const knownVariables: readonly string[] = [];
