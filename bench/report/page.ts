import type { Report } from "./report.ts";
import type { Table } from "./columns.ts";
import { tablesOf, verdictTable } from "./tables.ts";

/** docs/benchmarks.md. */
export function renderPage({ machine, startedAt, wallSec, figures, verdicts, skipped }: Report): string {
  return [
    "# Benchmarks",
    "<!-- Written by `npm run bench`; change bench/report/page.ts instead. -->",
    "What Millrace costs beside the least that could be paid for the same, measured in the same minutes on the same " +
      "machine. Absolute figures depend on the machine and drift by 20 %; compare the ratios.",
    "## Last result",
    `${startedAt.slice(0, 10)}, ${Math.round(wallSec / 60)} minutes, ${machine.cores} cores ` +
      `(${machine.processor}), ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}. ` +
      "Medians; lowest and highest repetition in parentheses.",
    ...(verdicts.length === 0 ? [] : renderTable(verdictTable(verdicts))),
    ...tablesOf(figures).flatMap(renderTable),
    ...(skipped.length === 0
      ? []
      : ["### Left out", ...skipped.map(({ part, reason }) => `- ${part}: ${reason}`)]),
    HOW_IT_IS_MEASURED,
    "",
  ].join("\n\n");
}

function renderTable({ title, headings, rows }: Table): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [`### ${title}`, [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n")];
}

const HOW_IT_IS_MEASURED = `## How to rerun

\`\`\`
npm run bench                                   # everything, about eight minutes; writes this page
npm run bench -- --quick                        # everything once over, about a minute
npm run bench -- fanout --transport uni_sse --subscribers 1000 --burst 1,64
npm run bench -- unary --door http --cpu-prof /tmp/profiles
npm run bench -- --help
\`\`\`

Stop whatever else runs on the machine. 5,000 subscribers need \`ulimit -n\` above 15,100; without that they are
left out, and the page says so.

## How it is measured

Every server runs in a process of its own, all subscribers in one more; the driver only gives orders. Everything
stays on the loopback address and on free ports. Contenders are warmed up, then take turns, and another one begins
every time; a ratio is the median of the ratios of neighbouring samples, so that what slows down the whole machine
cancels out.

**CPU per delivery.** User and system time of the server's process, all threads, divided by the messages that all
subscribers together have received. The publisher runs in the server's process; a burst is published in one turn of
the event loop. Rounds follow each other at one per turn for as long as the subscribers keep up: for every few rounds
that all of them have received they send one byte back, and no more than 48 KiB per connection is under way. Time
counts from the first publication until the last byte has been received. A sample of the cells with a figure to reach
is at least 200,000 deliveries or a second of CPU, whichever comes first.

**Latency.** From the moment before the publication to each subscriber's read, on the clock that all processes share,
at ten publications a second. The last subscriber of a publication waits for the writes to all others, so fan-out
cost is most of it.

**Memory.** What 2,000 connected, subscribed and idle connections add to the resident memory of a fresh process after
garbage collection, per connection. Kernel buffers are not in it. The bare server holds what the library of the
transport holds: a \`ws\` client, a \`node:http\` request and response, a grpc-js stream on an HTTP/2 connection.

**Publishing.** Requests per second, and CPU of the server per request, with the same 128-byte publication: over 64
keep-alive HTTP/1.1 connections, or 8 HTTP/2 connections with 8 calls each. The load generator sends ready-made bytes
and hardly looks at what it receives.

**History.** The same over HTTP, into a channel that keeps its latest 100 publications and one that keeps none, in
turns. What a million channels with one kept publication each take is measured by \`node bench/memory-streams.ts\`:
about 700 MB of resident memory.

**Coming back.** 1,000 WebSocket clients connect at once and recover the 10 publications they missed, or have missed
nothing. Handshake, subscription and recovery are in it; every client must have recovered everything for a sample to
count.

**Finding connections.** Not a part of this run: \`node bench/connections-scan.ts\` scans 100,000 sessions in one process.
In five runs of each query on 2026-11-21 a turn of the event loop took 10 ms at most, by user, labels, channels and
\`meta\`, and a publication made meanwhile waited 16 ms at most. Loading CEL for the first expression takes about 70 ms.

**Why gRPC costs more.** A single message to each of 1,000 HTTP/2 connections costs what \`node:http2\` costs: the table
has a loop over it (http2) with ready-made messages and nothing else. Millrace takes 1.1 to 1.2 of that loop, and less
than the one over grpc-js. The rest of the distance to the bare loop is inside Node: one write request and one completion callback
for each message, nghttp2, and garbage of both. Only frames made by hand are below, and those would go past flow
control. Bursts are one write per connection, and far below the bare loop.

The subscribers of the fan-out are plain sockets that read into one shared buffer and count: bytes, or on gRPC the bytes of
DATA frames. How many bytes a publication has is found out with one publication before each cell, and every
subscriber must have received exactly that many for a sample to count.

### What Millrace is compared with

- **bare**: buffers framed in advance, written with \`socket.write\`, one message after the other to one connection
  after the other; no queue, no limit, no encoding. The sockets are those of connections that \`ws\`, \`node:http\` or
  grpc-js have opened and still own. On gRPC the DATA frames are made by hand and go below grpc-js, straight to its
  sockets: that is the floor, which no gRPC library reaches.
- **joined**: the same, with the messages of a burst joined in advance: one write per connection and burst. The floor
  for bursts.
- **naive**: \`ws.send()\` of an encoded message for each client of a \`WebSocketServer\`, also for comparison with
  the bursts of other transports.
- **http2**: one \`stream.write()\` of ready-made bytes per stream and burst, with nothing but \`node:http2\`: the
  floor for gRPC as long as Node's HTTP/2 makes the frames.
- **grpc-js**: \`call.write()\` of an encoded message for each stream, with serializers that do nothing.
- **echo**: a \`node:http\` server that reads a body and answers with it.
- **without**: Millrace itself, without history or recovery.
- **empty**: a grpc-js server whose only method returns ready-made bytes.
`;
