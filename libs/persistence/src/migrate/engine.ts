import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type * as SchemaEngineModule from '@prisma/schema-engine-wasm/schema_engine_bg' with {
  'resolution-mode': 'import',
};
import { EngineConnections } from './engine-connections';

export type SchemaEngine = SchemaEngineModule.SchemaEngine;
export type MigrationList = SchemaEngineModule.MigrationList;

type Loaded = typeof SchemaEngineModule;

/** What the package's own loader does with the module's private functions; its typings leave them out. */
interface WasmBinding {
  __wbg_set_wasm(exports: WasmExports): void;
}

/** What wasm-bindgen exports besides the engine itself. */
interface WasmExports {
  __wbindgen_start(): void;
}

/** The part used here of Node's global, which its typings for this version do not declare. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: Record<string, object>): Promise<{ instance: { exports: unknown } }>;
};

// The binding file keeps the instance in a module variable, so a second instance would pull the memory from under an
// engine that is at work. Hence one per process, made when it is first asked for.
let loaded: Promise<Loaded> | undefined;

function loadSchemaEngine(): Promise<Loaded> {
  loaded ??= instantiate();
  return loaded;
}

async function instantiate(): Promise<Loaded> {
  // The engine calls this when it finds a bug in itself, and then stops; without it nobody learns what happened.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`Prisma's schema engine broke: ${message}`);
      },
    },
  });
  // By hand, because Node 20 cannot `import` a .wasm file as the package's own entry does.
  const engine = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const binding = engine as unknown as WasmBinding;
  const bindingFile = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(join(dirname(bindingFile), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': withoutLingering(binding) });
  const exports = instance.exports as WasmExports;
  binding.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return engine;
}

/** The engine leaves a timer of 10 s behind, which would hold a program that is done; so its timers hold nobody. */
function withoutLingering(binding: object): object {
  const wrapped = Object.entries(binding).map(([name, value]: [string, unknown]) => {
    if (!name.startsWith('__wbg_setTimeout_') || typeof value !== 'function') return [name, value] as const;
    return [name, (...args: unknown[]) => (Reflect.apply(value, undefined, args) as NodeJS.Timeout).unref()] as const;
  });
  return Object.fromEntries(wrapped);
}

/** The tables and enums the engine leaves alone: none. */
export const NO_FILTERS = { externalTables: [], externalEnums: [] };

/**
 * Runs `work` with a Prisma schema engine on the database and frees the engine afterwards.
 * @throws Error with the engine's message, when the database cannot be reached or the engine refuses
 */
export async function withSchemaEngine<Result>(
  databaseUrl: string,
  schema: { path: string; content: string } | undefined,
  work: (engine: SchemaEngine) => Promise<Result>,
): Promise<Result> {
  const { SchemaEngine } = await loadSchemaEngine();
  const connections = new EngineConnections(databaseUrl);
  const factory = bindMigrationAwareSqlAdapterFactory(connections);
  try {
    const engine = await SchemaEngine.new(
      { datamodels: schema ? [[schema.path, schema.content]] : undefined },
      () => undefined,
      factory,
    );
    try {
      return await work(engine);
    } finally {
      engine.free();
    }
  } catch (error) {
    throw readable(error, (id) => factory.errorRegistry.consumeError(id)?.error);
  } finally {
    await connections.close();
  }
}

/**
 * The engine throws errors whose message is JSON `{error_code, message}`, a sentence with a trace through its sources, or
 * the number of an error that the adapter threw; people want the sentence.
 */
function readable(error: unknown, thrownByAdapter: (id: number) => unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const id = /External error id#(\d+)/.exec(text)?.[1];
  const original = id === undefined ? undefined : thrownByAdapter(Number(id));
  if (original instanceof Error) return original;
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    if (typeof parsed.message === 'string') return new Error(parsed.message, { cause: error });
  } catch {
    // Not JSON: the text is the message.
  }
  return new Error(text.split(/\n\s+0: /)[0], { cause: error });
}
