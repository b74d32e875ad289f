// The worker of @camunda8/sdk: completes every job. Usage: camunda8.js MODE ADDRESS ACTIVE
const { Camunda8 } = require('@camunda8/sdk')

const [mode, address, active] = process.argv.slice(2)
const zeebe = new Camunda8({
    ZEEBE_GRPC_ADDRESS: `grpc://${address}`, CAMUNDA_AUTH_STRATEGY: 'NONE', CAMUNDA_LOG_LEVEL: 'none',
}).getZeebeGrpcApiClient()
const taskHandler = job => job.complete()
if (mode === 'stream') {
    zeebe.streamJobs({
        type: 'bench', worker: 'bench', timeout: 60000, fetchVariables: [], tenantIds: ['<default>'], taskHandler,
    })
} else {
    zeebe.createWorker({ taskType: 'bench', timeout: 60000, maxJobsToActivate: Number(active), pollInterval: 1, taskHandler })
}
