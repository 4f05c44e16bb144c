// npm test, before node_modules exists: prepares the machine like npm start, then runs the tests.
import { handOver, prepareMachine } from './up.mjs'

await prepareMachine('test')
handOver('tools/test/main.ts', process.argv.slice(2))
