/** Bodies that are too long or too slow, and what is no HTTP at all: each is answered and given up, while others are answered. */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { until } from '../testkit/client';
import { BODY_SECONDS, complaint, HostileService, INSIDES } from '../testkit/hostile-service';

const MIB = 1024 * 1024;

describe('hostile connections', () => {
  let service: HostileService;
  beforeAll(async () => {
    service = await HostileService.start();
  }, 60_000);
  afterAll(() => service?.stop());

  /** Sends 100 MB, or what of it is taken, and returns the status. */
  async function sendMuch(at: string, sized: boolean): Promise<string> {
    const chunk = Buffer.alloc(MIB, ' ');
    const frame = sized
      ? chunk
      : Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    const socket = service.connect();
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    // The service hangs up on what it does not read.
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await once(socket, 'connect');
    const length = sized ? `content-length: ${100 * MIB}` : 'transfer-encoding: chunked';
    socket.write(`POST ${at} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`);
    for (let i = 0; i < 100 && !socket.destroyed && !answer; i++) {
      if (!socket.write(frame)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
    }
    await until(async () => answer.includes('"code"'), Boolean, 20_000);
    socket.destroy();
    const status = answer.slice(9, 12);
    const body = answer.slice(answer.indexOf('{"errors"')).replace(/\r\n0\r\n\r\n$/, '');
    expect({ at, problem: complaint(Number(status), body), answer }).toMatchObject({ problem: undefined });
    return status;
  }

  test('bodies of 100 MB, said and unsaid', async () => {
    const sending = [true, false].flatMap((sized) => [
      ...Array.from({ length: 6 }, () => sendMuch('/graphql', sized)),
      sendMuch('/graphql/stream', sized),
    ]);
    const [statuses] = await Promise.all([Promise.all(sending), service.expectUsualTime()]);
    service.sent += statuses.length;
    expect(new Set(statuses)).toEqual(new Set(['413']));
  }, 60_000);

  /** Sends a byte now and then, until there is an answer, and returns it. */
  async function trickle(at: string): Promise<string> {
    const socket = service.connect();
    socket.write(`POST ${at} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`);
    const byte = setInterval(() => socket.write(' '), 100);
    let answer = '';
    for await (const data of socket) {
      answer += data;
      if (answer.includes('"code"')) break;
    }
    clearInterval(byte);
    socket.destroy();
    return answer;
  }

  test('bodies that trickle in', async () => {
    const begun = performance.now();
    const trickling = Array.from({ length: 30 }, (_, i) => trickle(i % 2 ? '/graphql' : '/graphql/stream'));
    const [answers] = await Promise.all([Promise.all(trickling), service.expectUsualTime()]);
    service.sent += answers.length;
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"BAD_INPUT"/);
    expect(performance.now() - begun).toBeLessThan(2 * BODY_SECONDS * 1000 + 1000);
  }, 30_000);

  test('what is no HTTP', async () => {
    const texts = [
      'GET / HTTP/9.9\r\n\r\n',
      'NONSENSE\r\n\r\n',
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(20_000)}\r\n`,
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      '\u0000\u0000\u0000\u0000\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    ];
    for (const text of texts) {
      const socket = service.connect();
      socket.write(text);
      let answer = '';
      for await (const data of socket) {
        answer += data;
        break;
      }
      socket.destroy();
      service.sent += 1;
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d [\s\S]*"code":"(BAD_INPUT|TOO_LARGE|LIMIT_EXCEEDED)"/);
      expect(answer).not.toMatch(INSIDES);
    }
  }, 30_000);

  test('leave it unharmed', () => service.expectUnharmed(50));
});
