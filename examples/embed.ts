// A job on somebody else's machine, in five lines: node --conditions=@haggle/source examples/embed.ts ADDRESS
import { joinMarket } from '@haggle/market'

await using market = await joinMarket({ peers: process.argv.slice(2), listen: [] })
const job = await market.run({ where: 'price.hour<=0.50', command: ['uname', '-a'], budget: '0.05' })
for await (const line of job.lines()) console.log(line)
const { exitCode, receipt } = await job.done
console.error(`exit ${exitCode}, ${receipt?.owed} ${receipt?.unit}, signed by ${receipt?.signedBy}`)
