/** What stands below the results: how they came about, and what they mean. */
export const HOW_IT_IS_MEASURED: string = `## How to rerun

\`\`\`
npm run bench                                   # everything, about ten minutes; writes this page and its plots
npm run bench -- --quick                        # everything once over, about three minutes
npm run bench -- fanout --transport uni_sse --subscribers 1000 --burst 1,64
npm run bench -- memory idle --connections 2000
npm run bench -- unary --door http --cpu-prof /tmp/profiles
npm run bench:guard                             # ratios only, half a minute; fails on a clear regression
npm run bench -- --help
\`\`\`

Stop whatever else runs on the machine. 10,000 subscribers need \`ulimit -n\` above 10,100; what does not fit is
left out, and the page says so.

## How it is measured

Every server runs in a process of its own, and so do the subscribers of each; the driver only gives orders. V8's young
generation is capped as \`millrace\` caps it (\`--max-semi-space-size=16\`), for everything that is compared. Everything
stays on the loopback address and on free ports. Contenders are warmed up, then take turns, and another one begins
every time; a ratio is the median of the ratios of neighbouring samples, so that what slows down the whole machine
cancels out.

**CPU per delivery.** User and system time of the server's process, all threads, divided by the messages that all
subscribers together have received. The publisher runs in the server's process; a burst is published in one turn of
the event loop. Rounds follow each other at one per turn for as long as the subscribers keep up: for every few rounds
that all of them have received they send one byte back, and no more than 48 KiB per connection is under way. Time
counts from the first publication until the last byte has been received. A sample of the cells with a figure to reach
is at least 100,000 deliveries or 0.6 s of CPU, whichever comes first; away from them samples are shorter, and there are
fewer of them.

**Many subscribers.** The same with 10,000 subscribers and with 1,000, in turns, each with servers of its own. The bare
loop stands beside it, because the kernel's part grows too: ten thousand sockets no longer fit into the caches of the
processor.

**Workers.** Millrace as one runs it, by its command line, with \`node.workers\` of 1 and 2 in turns. Rounds come through
the server API, a burst as one batch with \`parallel\`, and the next round when everybody has received the last. CPU is that of all
processes of the server. The loops beside it are as many processes, each with its share of the
subscribers and its own publisher. The receiver is one process; time only shows what workers bring as long as its CPU per
delivery, in the last column, is a fifth of the server's or less.

**Latency.** From the moment before the publication to each subscriber's read, on the clock that all processes share,
at ten publications a second. The last subscriber of a publication waits for the writes to all others, so fan-out
cost is most of it.

**Subscribers that do not read.** 10,000 WebSockets, of which every hundredth stops reading once it is subscribed. Slow
ones also have a channel each, into which as much is published as it takes to fill half of what may wait for them;
then the publish-to-receive times of the others are taken, at four publications a second, in turns with the same
without slow ones. Then the slow ones get more until the last of them is cut: what objects and buffers have held more at
most, after garbage collections, is divided by their number. Nothing of what waits is shared, and the write timeout is
an hour, so that nothing but the limit of the queue cuts anybody.

**Memory.** What connected, subscribed and idle connections add to the resident memory of a fresh process after
garbage collection, per connection; a KB is 1024 bytes. Kernel buffers are not in it. The bare server holds what the library of the
transport holds: a \`ws\` client, a \`node:http\` request and response, a grpc-js stream on an HTTP/2 connection.

**Idle CPU.** 10,000 WebSockets that answer pings and do nothing else, over windows of 25 s, so that everybody is pinged
once in each. The CPU of the same server without connections in the same window is subtracted. The bare server writes
pings by one timer, a slice of them every second, and has \`ws\` read the answers.

**Publishing.** Requests per second, and CPU of the server per request, with the same 128-byte publication: over 64
keep-alive HTTP/1.1 connections, or 8 HTTP/2 connections with 8 calls each. Connect is compared with Millrace's own JSON
API over HTTP. The load generator sends ready-made bytes
and hardly looks at what it receives.

**History.** The same over HTTP, into a channel that keeps its latest 100 publications and one that keeps none, in
turns. What a million channels with one kept publication each take is measured by \`node bench/memory-streams.ts\`:
about 700 MB of resident memory.

**Coming back.** 10,000 WebSocket clients connect in one turn of the event loop, each with a token of its own (HS256),
and recover the 10 publications that they missed, or have missed nothing. Handshake, token, subscription and recovery
are in it; every client must have recovered everything for a sample to count. The longest turn of the server's event
loop is that of \`perf_hooks.monitorEventLoopDelay\`. The bare server is \`ws\`, which accepts and greets.

**Finding connections.** Not a part of this run: \`node bench/connections-scan.ts\` scans 100,000 sessions in one process.
In five runs of each query on 2026-11-21 a turn of the event loop took 10 ms at most, by user, labels, channels and
\`meta\`, and a publication made meanwhile waited 16 ms at most. Loading CEL for the first expression takes about 70 ms.

**Why gRPC costs more.** A single message to each of 1,000 HTTP/2 connections costs what \`node:http2\` costs: the table
has a loop over it (http2) with ready-made messages and nothing else. Millrace takes 1.1 to 1.2 of that loop, and less
than the one over grpc-js. The rest of the distance to the bare loop is inside Node: one write request and one completion callback
for each message, nghttp2, and garbage of both. Only frames made by hand are below, and those would go past flow
control. Bursts are one write per connection, and far below the bare loop.

**Why single publications are not nearer to the bare loop.** Of the CPU of 1,000 WebSockets, 73 % is Node's \`writeBuffer\`,
that is the kernel's part of a write, and 9 % is Millrace's own (profile of 2026-11-21); the rest is Node's stream around
the write. What is left of ours is an outbox that is limited, a look at what the socket has not taken, and the guard
against connections that stall. Runs differ by 5 %, so that figures of 1.15 are met in one run and missed in the next.
With a handful of subscribers the publication itself shows: about 15 µs for broker, encoding and a turn of the event
loop.

**Why many subscribers cost more each.** The bare loop stands beside them: ten thousand sockets, their buffers in the
kernel and in Node no longer fit into the caches of the processor. What Millrace adds to that is a few per cent.

**Why two workers are not faster here.** On two cores run the primary, two workers, the receiver, whose work per
delivery is nearly that of the server, and the driver, which waits for everybody before the next round. A publication
wakes five processes. In the workers' profiles \`writeBuffer\` takes longer than in a single process; the link, which
costs 1 to 4 µs per publication and worker (docs/workers.md), hardly shows. Figures about more cores need more cores.

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
- **naive**: what one writes first: \`ws.send()\`, \`response.write()\` or grpc-js's \`call.write()\` of an encoded message,
  for every message and every client.
- **http2**: one \`stream.write()\` of ready-made bytes per stream and burst, with nothing but \`node:http2\`: the
  floor for gRPC as long as Node's HTTP/2 makes the frames.
- **echo**: a \`node:http\` server that reads a body and answers with it.
- **json**: Millrace's JSON API over HTTP.
- **without**: Millrace itself, without history, recovery or slow subscribers.
- **fewer**, **single**: Millrace itself, with fewer subscribers, or in a single worker.
- **empty**: a grpc-js server whose only method returns ready-made bytes.
`;
