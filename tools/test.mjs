// npm test, before there is a node_modules: prepares the machine like npm start, then proves the cloud.
import { handOver, prepareMachine } from './up.mjs'

await prepareMachine('test')
handOver('tools/test/main.ts', process.argv.slice(2))
