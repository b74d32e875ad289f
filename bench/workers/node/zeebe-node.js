// zeebe-node's worker: completes every job. Usage: zeebe-node.js MODE ADDRESS ACTIVE
const { ZBClient } = require('zeebe-node')

const [, address, active] = process.argv.slice(2)
const client = new ZBClient(address, { useTLS: false, loglevel: 'NONE' })
client.createWorker({
    taskType: 'bench', timeout: 60000, maxJobsToActivate: Number(active), pollInterval: 1, loglevel: 'NONE',
    taskHandler: job => job.complete(),
})
