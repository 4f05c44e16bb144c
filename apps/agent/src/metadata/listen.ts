import net from 'node:net'

/**
 * Run by sockets.ts as `nsenter --net=… node listen.ts ADDRESS PORT` with an IPC channel: listens
 * inside that namespace, hands the socket to the agent and ends. A socket belongs to the namespace
 * in which it was made, so the agent accepts from there without being there.
 */
const [address, port] = process.argv.slice(2)
const server = net.createServer({ pauseOnConnect: true })
server.on('error', (error) => {
  process.send?.({ failed: error.message }, () => process.exit(1))
})
server.listen({ host: address, port: Number(port), exclusive: true, backlog: 128 }, () => {
  process.send?.({ listening: true }, server)
})
// The channel closes when the agent has the socket, or has died.
process.on('disconnect', () => process.exit(0))
