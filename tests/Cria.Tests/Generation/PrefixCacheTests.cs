using Cria.Generation;
using Cria.Models;
using Cria.Tensors;
using CsCheck;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

/// <summary>Texts that begin like earlier ones.</summary>
public sealed class PrefixCacheTests
{
    public static TheoryData<ElementType, KvType> WeightsAndCaches => new(
        (ElementType.F32, KvType.F32), (ElementType.F32, KvType.Q8_0), (ElementType.BF16, KvType.BF16), (ElementType.BF16, KvType.F16));

    [Theory, MemberData(nameof(WeightsAndCaches))]
    public void LogitsAfterACachedPrefixAreThoseOfAFreshRead(ElementType type, KvType kv)
    {
        using var files = TestModels.Write(new TestShape { Type = type, HeadSize = 32, Vocabulary = 40 });
        using var model = TextModel.Load(files.Path, new() { Kv = kv });
        Gen.Int.Sample(seed => Check(model, new Random(seed)), iter: 20, threads: 1); // a model has one caller at a time
        Assert.Equal(0, model.CacheBytes);
    }

    /// <summary>Texts that share beginnings are read one after another, some of them never to the end.</summary>
    static void Check(TextModel model, Random random)
    {
        using var cache = new PrefixCache(model, long.MaxValue);
        var kept = new List<int[]>();
        for (var n = 0; n < 8; n++)
        {
            var text = Text(random, kept);
            using var sequence = cache.Begin(text);
            Assert.Equal(kept.Select(k => Math.Min(k.AsSpan().CommonPrefixLength(text), text.Length - 1)).Append(0).Max(), sequence.Length);
            using var fresh = model.CreateSequence();
            Assert.Equal(Read(model, fresh, text), Read(model, sequence, text));
            sequence.Truncate(random.Next(text.Length + 1));
            cache.Keep(sequence, text.AsSpan(0, sequence.Length));
            kept.Add(text[..sequence.Length]);
            if (random.Next(2) == 0 && sequence.Length > 0) // goes another way in a page that the cache holds
            {
                sequence.Truncate(random.Next(sequence.Length));
                Read(model, sequence, [.. text.AsSpan(0, sequence.Length), .. Text(random, [])]);
            }
        }
    }

    static int[] Text(Random random, List<int[]> kept)
    {
        var head = kept.Count > 0 && random.Next(4) > 0 ? kept[random.Next(kept.Count)] : [];
        return [.. head.AsSpan(0, random.Next(head.Length + 1)), .. Enumerable.Range(0, random.Next(1, 150)).Select(_ => random.Next(3))];
    }

    /// <summary>Reads what is unread; the logits after the last token.</summary>
    static float[] Read(TextModel model, Sequence sequence, int[] text)
    {
        var logits = new float[model.Config.VocabularySize];
        var first = sequence.Length;
        model.Forward([.. text.Skip(first).Select((t, i) => new Row(sequence, first + i, t, first + i == text.Length - 1))], logits, TestContext.Current.CancellationToken);
        return logits;
    }

    [Fact]
    public void WhatWasUsedLeastGoesFirstAndABeginningAfterItsEnd()
    {
        using var files = TestModels.Write(new TestShape { Vocabulary = 40 });
        using var model = TextModel.Load(files.Path);
        using var cache = new PrefixCache(model, 4 * model.Cache.PageBytes);
        int[] a = Page(1), ab = [.. a, .. Page(2)], c = Page(3), d = [.. Page(4), 5];
        foreach (var text in new[] { ab, c })
            Keep(text);
        Assert.Equal(3 * model.Cache.PageBytes, cache.Bytes);
        Assert.Equal((64, 63), (Known([.. a, 9]), Known(c))); // ab was used before c, and a after both
        Keep(d);
        Assert.Equal((64, 63, 63, 65), (Known([.. ab, 9]), Known(a), Known(c), Known([.. d, 9])));
        Assert.Equal(model.CacheBytes, cache.Bytes);
        Assert.Equal(cache.Bytes, cache.IdleBytes);

        void Keep(int[] text)
        {
            using var sequence = cache.Begin(text);
            Read(model, sequence, text);
            cache.Keep(sequence, text);
        }

        int Known(int[] text)
        {
            using var sequence = cache.Begin(text);
            return sequence.Length;
        }

        static int[] Page(int token) => [.. Enumerable.Repeat(token, 64)];
    }

    [Fact]
    public async Task AConversationGoesOnWhereItStoodAndTheMemoryIsTheGeneratorsUntilDispose()
    {
        using var files = TestModels.Write(new TestShape { Vocabulary = 40 });
        using var model = TextModel.Load(files.Path);
        var generator = new Generator(model);
        int[] prompt = [.. Enumerable.Range(0, 200).Select(i => i * i % 39)];
        var first = await ToList(generator, prompt, new() { MaxTokens = 30, StopIds = [] });
        var held = generator.PrefixBytes;
        Assert.Equal(4 * model.Cache.PageBytes, held); // 229 tokens
        Assert.Equal(held, model.CacheBytes);
        int[] next = [.. prompt, .. first.Select(t => t.Id), 7];
        var answer = await ToList(generator, next, new() { MaxTokens = 5, StopIds = [] });
        Assert.Equal(held, generator.PrefixBytes);
        Assert.Equal((0, 229), (first[^1].Timings!.CachedTokens, answer[^1].Timings!.CachedTokens));
        Assert.Equal((231, 5), (answer[^1].Timings!.PromptTokens, answer[^1].Timings!.AnswerTokens));
        Assert.All(answer.SkipLast(1), t => Assert.Null(t.Timings));
        generator.Dispose();
        Assert.Equal((0, 0), (generator.PrefixBytes, model.CacheBytes));

        using var without = new Generator(model, options: new() { PrefixBytes = 0 });
        Assert.Equal(answer.Select(t => t.Id), (await ToList(without, next, new() { MaxTokens = 5, StopIds = [] })).Select(t => t.Id));
        Assert.Equal((0, 0), (without.PrefixBytes, model.CacheBytes));
    }
}
