// A job on a stranger's machine in ten lines:  node --conditions=@haggle/source examples/embed.ts BOOTSTRAP [NETWORK]
import { joinMarket } from '@haggle/market'

const [bootstrap = '', network = 'haggle'] = process.argv.slice(2)
await using market = await joinMarket({ bootstrap: [bootstrap], network })
const job = await market.run({ where: 'price.hour<=0.01', command: ['uname', '-a'], budget: '0.001' })
for await (const line of job.lines()) console.log(line)
const { exitCode, owed, receipt } = await job.done
console.log(`exit ${exitCode}, ${owed} ${job.unit} to ${job.provider}, receipt signed by ${receipt?.signedBy}`)
