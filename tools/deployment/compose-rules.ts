import type { ComposeFile, ComposeService } from './compose-file';

const unmet = (name: string, requirements: Readonly<Record<string, boolean>>): string[] =>
  Object.entries(requirements).flatMap(([text, holds]) => (holds ? [] : [`${name}: ${text}`]));

const each = (file: ComposeFile, rule: (service: ComposeService, name: string) => Record<string, boolean>): string[] =>
  Object.entries(file.services).flatMap(([name, service]) => unmet(name, rule(service, name)));

const isOwn = ({ image }: ComposeService) => image.startsWith('parley/');

/** No service can change its files, gain rights or eat the machine. */
export function hardened(file: ComposeFile): string[] {
  return each(file, (service) => ({
    'has a read-only root file system': service.read_only === true,
    'drops all capabilities and adds none': service.cap_drop?.includes('ALL') === true && service.cap_add === undefined,
    'cannot gain privileges':
      service.security_opt?.includes('no-new-privileges:true') === true && service.privileged !== true,
    'runs as another user than root': service.user !== undefined && !/^(0|root)\b/.test(service.user),
    'mounts nothing of the host': (service.volumes ?? []).every((volume) => /^[a-z]+:\//.test(volume)),
    'limits processor, memory and processes': ['cpus', 'memory', 'pids'].every(
      (unit) => service.deploy?.resources?.limits?.[unit] !== undefined,
    ),
  }));
}

/** Everything that stays up restarts, is asked for its health, and starts after what it needs. */
export function kept(file: ComposeFile): string[] {
  return each(file, (service, name): Record<string, boolean> => {
    if (name === 'migrate') {
      return {
        'restarts only on failure': service.restart?.startsWith('on-failure') === true,
        'waits for a healthy PostgreSQL': service.depends_on?.postgres?.condition === 'service_healthy',
      };
    }
    return {
      'restarts unless it was stopped': service.restart === 'unless-stopped',
      'is asked for its health': (service.healthcheck?.test?.length ?? 0) > 1,
      'starts after the migration and Redis':
        !isOwn(service) ||
        (service.depends_on?.migrate?.condition === 'service_completed_successfully' &&
          service.depends_on.redis?.condition === 'service_healthy'),
      'has time to stop': service.stop_grace_period !== undefined,
    };
  });
}

/** One door to the outside; the databases can be reached by those who use them, over networks that lead nowhere else. */
export function closed(file: ComposeFile): string[] {
  const isInternal = (network: string) => file.networks[network]?.internal === true;
  return each(file, (service, name) => ({
    'publishes a port if and only if it is the router': (service.ports !== undefined) === (name === 'region-router'),
    'names networks that exist':
      (service.networks ?? []).length > 0 && (service.networks ?? []).every((network) => network in file.networks),
    'keeps databases on inner networks': isOwn(service) || (service.networks ?? []).every(isInternal),
    'can call out only where its work is outside':
      (service.networks ?? []).every(isInternal) ||
      ['region-router', 'webhooks', 'gateway-1', 'gateway-2'].includes(name),
  }));
}

/** Our images are built with their service as argument, and carry its name and this version. */
export function pinned(file: ComposeFile, version: string): string[] {
  return each(file, (service) => ({
    'has an image with a version': isOwn(service)
      ? service.image === `parley/${service.build?.args?.SERVICE}:${version}`
      : /:\d/.test(service.image),
  }));
}
