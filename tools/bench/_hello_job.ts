// The job of the deno rows: one line of output.
console.log('x')
