using System.Diagnostics;
using Cria.Generation;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>`embeddings MODEL|1b:RECIPE [texts] [tokens] [rounds]`: texts embedded a second, all in one call and one call for each, in turns.</summary>
static class EmbeddingBenchmark
{
    public static async Task RunAsync(string[] args)
    {
        var model = args.Length > 0 ? args[0] : "pocket";
        var (count, tokens, rounds) = (Number(1, 32), Number(2, 16), Number(3, 3));
        var path = model.Split(':') is ["1b", var recipe] ? RandomModel.Kept("1b", recipe) : model;
        using var weights = TextModel.Load(path);
        using var generator = new Generator(weights);
        var random = new Random(1);
        int[][] texts = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, tokens).Select(_ => random.Next(weights.Config.VocabularySize)).ToArray())];
        for (var round = 0; round <= rounds; round++) // the first does not count
        {
            var started = Stopwatch.GetTimestamp();
            await generator.EmbedAsync(texts);
            var together = count / Stopwatch.GetElapsedTime(started).TotalSeconds;
            started = Stopwatch.GetTimestamp();
            foreach (var text in texts)
                await generator.EmbedAsync([text]);
            var apart = count / Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (round > 0)
                Console.WriteLine(FormattableString.Invariant($"{count} texts of {tokens} tokens: {together:0.0} a second in one call, {apart:0.0} in calls of their own, ratio {together / apart:0.00}"));
        }

        int Number(int at, int fallback) => args.Length > at ? int.Parse(args[at]) : fallback;
    }
}
