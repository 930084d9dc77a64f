import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@parley/tools/provision';
import { unpackDebian } from './debian-packages';
import { ServerProcess } from './server-process';

/** nginx as Debian packages it. */
export interface NginxProgram {
  readonly command: string;
  /** As `dpkg` names it, or where the machine has it. */
  readonly version: string;
}

/**
 * The machine's own nginx, or the one of the machine's suite of Debian, unpacked.
 * @throws Error saying why there is none
 */
export async function findNginx(folder: string, suite: string): Promise<NginxProgram> {
  const own = '/usr/sbin/nginx';
  if (existsSync(own)) return { command: own, version: 'of this machine' };
  const unpacked = await unpackDebian(folder, `nginx-${suite}`, { suite, packages: ['nginx'] });
  return { command: join(unpacked.folder, 'usr/sbin/nginx'), version: unpacked.version };
}

/** Starts nginx with one worker that passes everything on to `upstream` over kept connections. */
export async function startNginx({ command }: NginxProgram, upstream: string, folder: string) {
  const port = await freePort();
  const home = join(folder, 'nginx');
  mkdirSync(home, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(home, name)};`,
  );
  const configuration = `user root;
worker_processes 1;
daemon off;
pid ${join(home, 'pid')};
error_log ${join(home, 'error.log')};
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000;
${temporary.join('\n')}
  upstream api { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`;
  const file = join(home, 'nginx.conf');
  writeFileSync(file, configuration);
  const url = `http://127.0.0.1:${port}`;
  const args = ['-p', home, '-e', join(home, 'error.log'), '-c', file];
  const server = await ServerProcess.start({
    command,
    args,
    env: { PATH: process.env.PATH },
    logFile: join(home, 'output.log'),
    url: `${url}/health/ready`,
  });
  return { url, server };
}
