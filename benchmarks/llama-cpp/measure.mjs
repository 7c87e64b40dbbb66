// node measure.mjs MODEL.gguf THREADS CONTEXT KV-TYPE: answers each line of standard input ("prefill TOKENS", "decode DEPTH TOKENS") with
// its seconds, one line each. The weights are read and touched before the first answer.
import readline from "node:readline";
import { getLlama } from "node-llama-cpp";

const [path, threads, contextSize, kvType] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", maxThreads: Number(threads), logLevel: "error" });
const model = await llama.loadModel({ modelPath: path, useMmap: true });
const context = await model.createContext({
    contextSize: Number(contextSize), batchSize: 512, threads: Number(threads), flashAttention: true,
    experimentalKvCacheKeyType: kvType, experimentalKvCacheValueType: kvType,
});
const sequence = context.getSequence();
const tokens = count => Array.from({ length: count }, (_, i) => 1 + i * 7 % 1000);

async function prefill(count) {
    await sequence.clearHistory();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens(count));
    return performance.now() - start;
}

async function decode(depth, count) {
    if (sequence.nextTokenIndex > depth && depth > 0)
        await sequence.eraseContextTokenRanges([{ start: depth, end: sequence.nextTokenIndex }]);
    if (sequence.nextTokenIndex !== depth)
        await prefill(depth);
    let start, left = count;
    for await (const _ of sequence.evaluate([1], { temperature: 0, yieldEogToken: true })) {
        start ??= performance.now(); // the first token pays for starting the sampler
        if (left-- === 0)
            break;
    }
    return performance.now() - start;
}

console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [what, ...numbers] = line.split(" ");
    const milliseconds = await (what === "prefill" ? prefill : decode)(...numbers.map(Number));
    console.log(String(milliseconds / 1000));
}
process.exit(0);
