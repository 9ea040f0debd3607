// `septum serve` at capacity: several clients send pictures one after another, more than it can take. Wanted: no answer
// but 200 and 429, and memory that does not grow.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    clients: { type: 'string', default: '12' },
    queue: { type: 'string', default: '8' },
    threads: { type: 'string', default: '1' },
    bundle: { type: 'string', default: here('../packages/septum/src/inference/fixtures/plane') },
    images: { type: 'string', default: here('../examples/lidc/images') },
    query: { type: 'string', default: '' },
  },
})
const [seconds, clients] = [Number(options.seconds), Number(options.clients)]
const images = readdirSync(options.images)
  .slice(0, 16)
  .map((name) => readFileSync(join(options.images, name)))

const server = spawn(
  process.execPath,
  [
    here('../packages/septum/bin/septum.mjs'),
    ...['serve', options.bundle, '--port', '0', '--json', '--no-log'],
    ...['--queue', options.queue, '--threads', options.threads],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const url = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on('line', (line) => {
    const found = /http:\/\/[^\s"]+/.exec(line)
    if (found) resolve(new URL(found[0]))
  })
  server.once('exit', () => reject(new Error('the server ended')))
})
const agent = new Agent({ keepAlive: true, maxSockets: clients + 2 })

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        method,
        agent,
        host: url.hostname,
        port: url.port,
        path,
        headers: body ? { 'Content-Length': body.length } : {},
      },
      (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            retryAfter: response.headers['retry-after'],
            body: Buffer.concat(chunks),
          }),
        )
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const residentMiB = async () => {
  const { body } = await ask('GET', '/metrics')
  return ['server', 'worker'].map((name) =>
    Math.round(Number(new RegExp(`process="${name}"\\} (\\d+)`).exec(body)?.[1] ?? 0) / 2 ** 20),
  )
}

while ((await ask('GET', '/health')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
const statuses = {}
const latencies = []
const memory = []
const end = performance.now() + seconds * 1000
async function client(number) {
  for (let i = number; performance.now() < end; i++) {
    const start = performance.now()
    const status = await ask('POST', `/v1/segment${options.query}`, images[i % images.length])
      .then((answer) => answer.status)
      .catch((error) => error.code ?? error.message)
    statuses[status] = (statuses[status] ?? 0) + 1
    if (status === 200) latencies.push(performance.now() - start)
    // Not as long as Retry-After asks: the queue is to stay full.
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
async function watch() {
  const pause = Math.max(500, (seconds * 1000) / 24)
  while (performance.now() < end) {
    memory.push(await residentMiB())
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
await Promise.all([watch(), ...Array.from({ length: clients }, (_, i) => client(i))])
memory.push(await residentMiB())
agent.destroy()
server.removeAllListeners('exit')
const ended = new Promise((resolve) => server.once('exit', resolve))
server.kill('SIGTERM')
await ended

latencies.sort((a, b) => a - b)
const at = (share) =>
  Math.round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))])
console.log(`${seconds} s, ${clients} clients, queue of ${options.queue}`)
console.log(
  `answers: ${JSON.stringify(statuses)}; ${(latencies.length / seconds).toFixed(1)} images a second`,
)
console.log(
  `time of an answer: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${Math.round(latencies.at(-1))} ms`,
)
console.log(`memory in MiB (server/worker): ${memory.map((pair) => pair.join('/')).join(' ')}`)
// The first third warms up: caches of the runtime and of the garbage collector fill.
const late = memory.slice(Math.ceil(memory.length / 3))
const growth = [0, 1].map((which) => late.at(-1)[which] / Math.max(1, late[0][which]) - 1)
console.log(
  `growth over the last two thirds: ${growth.map((share) => `${(share * 100).toFixed(1)} %`).join(' / ')}`,
)
const clean = Object.keys(statuses).every((status) => status === '200' || status === '429')
const flat = growth.every((share) => share < 0.1)
console.log(`${clean ? 'met   ' : 'MISSED'}  no answer but 200 and 429`)
console.log(`${flat ? 'met   ' : 'MISSED'}  memory grows by less than 10 %`)
process.exitCode = clean && flat ? 0 : 1
