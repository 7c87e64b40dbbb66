using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    /// <summary>Bits of a vector, the type that keys and values have, and whether queries and weights are rounded to BF16 too.</summary>
    public static TheoryData<int, ElementType?, bool> KernelsAndTypes()
    {
        var data = new TheoryData<int, ElementType?, bool>();
        foreach (var kernels in KernelSet.All)
            foreach (var type in new ElementType?[] { ElementType.F32, ElementType.F16, ElementType.BF16, null })
                data.Add(kernels.Bits, type, false);
        if (KernelSet.Best.CreateRoundedKvFormat(2).Rounds)
            data.Add(KernelSet.Best.Bits, ElementType.BF16, true);
        return data;
    }

    static KvFormat Create(int bits, ElementType? type, bool rounds, int headSize)
    {
        var kernels = KernelSet.All.Single(k => k.Bits == bits);
        return rounds ? kernels.CreateRoundedKvFormat(headSize) : kernels.CreateKvFormat(type, headSize);
    }

    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void AttentionMatchesDoubleArithmeticAndRowsDoNotDependOnTheirRun(int bits, ElementType? type, bool rounds) =>
        Gen.Select(Gen.Int[1, 8], type is null ? Gen.Int[1, 4].Select(n => 32 * n) : Gen.Int[1, 140], Gen.Int[0, 150], Gen.Int[1, 40], Gen.Int)
            .Sample((group, headSize, position, rows, seed) =>
        {
            var format = Create(bits, type, rounds, headSize);
            var random = new Random(seed);
            var length = position + rows;
            var pages = Enumerable.Range(0, length / KvFormat.BlockPositions + 1)
                .Select(_ => (nint)NativeMemory.AlignedAlloc((nuint)(format.KeyBytes + format.ValueBytes), 64)).ToArray();
            try
            {
                foreach (var page in pages) // nothing may leak from positions that were never written
                    NativeMemory.Fill((void*)page, (nuint)(format.KeyBytes + format.ValueBytes), 0xFF);
                var keys = Random(random, length * headSize);
                var values = Random(random, length * headSize);
                Write(format, pages, keys, values, headSize);
                Read(format, type, pages, keys, values, tolerance: type switch { ElementType.F32 => 0, ElementType.F16 => 0.001, ElementType.BF16 => 0.01, _ => 0.02 });

                var queries = Random(random, rows * group * headSize);
                var together = Attend(format, pages, queries, group, position, rows);
                for (var row = 0; row < rows; row++)
                {
                    var size = group * headSize;
                    var alone = Attend(format, pages, queries[(row * size)..((row + 1) * size)], group, position + row, 1);
                    Assert.Equal(alone, together[(row * size)..((row + 1) * size)]);
                    for (var head = 0; head < group; head++)
                        Check(queries, keys, values, together, headSize, position + row, (row * group + head) * headSize, rounds);
                }
            }
            finally
            {
                foreach (var page in pages)
                    NativeMemory.AlignedFree((void*)page);
            }
        }, iter: 25);

    /// <summary>Positions over several spans, whether one thread has them all or each a range.</summary>
    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void SpansGiveTheSameBitsHoweverTheyAreSpread(int bits, ElementType? type, bool rounds)
    {
        const int group = 4, headSize = 64, rows = 20, position = 1530;
        var format = Create(bits, type, rounds, headSize);
        var random = new Random(bits);
        using var memory = new NativeBuffer();
        var blockBytes = format.KeyBytes + format.ValueBytes;
        var start = (nint)memory.Reserve((position + rows) / KvFormat.BlockPositions + 1, blockBytes / sizeof(float)).Data;
        nint[] pages = [.. Enumerable.Range(0, (position + rows) / KvFormat.BlockPositions + 1).Select(i => start + i * blockBytes)];
        var (keys, values) = (Random(random, (position + rows) * headSize), Random(random, (position + rows) * headSize));
        Write(format, pages, keys, values, headSize);
        Read(format, type, pages, keys, values, tolerance: 0.02);
        var queries = Random(random, rows * group * headSize);
        var together = Attend(format, pages, queries, group, position, rows);
        foreach (var ranges in new[] { 2, 3, 4 })
            Assert.Equal(together, Attend(format, pages, queries, group, position, rows, ranges));
        for (var row = 0; row < rows; row++)
        {
            var (from, size) = (row * group * headSize, group * headSize);
            var alone = Attend(format, pages, queries[from..(from + size)], group, position + row, 1, ranges: 1 + row % 3);
            Assert.Equal(alone, together[from..(from + size)]);
            Check(queries, keys, values, together, headSize, position + row, from, rounds);
        }
    }

    /// <summary>Keys in several parts, of which some count more than once, are as if all stood in one, whether one thread has all spans or each a range.</summary>
    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void PartsAreAsIfTheirKeysStoodSideBySide(int bits, ElementType? type, bool rounds)
    {
        const int group = 2, headSize = 32, rows = 9;
        var format = Create(bits, type, rounds, headSize);
        var random = new Random(bits);
        (int Count, int Times)[] kinds = [(700, 1), (70, 3), (1, 28)];
        var (keys, values) = (kinds.Select(k => Random(random, k.Count * headSize)).ToArray(), kinds.Select(k => Random(random, k.Count * headSize)).ToArray());
        using var memory = new NativeBuffer();
        var blockBytes = format.KeyBytes + format.ValueBytes;
        var next = (nint)memory.Reserve(20, blockBytes / sizeof(float)).Data;
        var parts = new List<AttentionPart>();
        for (var i = 0; i < kinds.Length; i++)
        {
            nint[] pages = [.. Enumerable.Range(0, (kinds[i].Count + 63) / 64).Select(_ => (next += blockBytes) - blockBytes)];
            Write(format, pages, keys[i], values[i], headSize);
            Read(format, type, pages, keys[i], values[i], tolerance: 0.02);
            parts.Add(new(pages, kinds[i].Count - 1, LogCount: MathF.Log2(kinds[i].Times)));
        }
        float[] Repeated(float[][] parts) => [.. parts.Zip(kinds).SelectMany(p => Enumerable.Repeat(p.First, p.Second.Times).SelectMany(v => v))];
        var queries = Random(random, rows * group * headSize);
        var together = Attend(format, [.. parts], queries, group, rows);
        for (var query = 0; query < rows * group; query++)
            Check(queries, Repeated(keys), Repeated(values), together, headSize, kinds.Sum(k => k.Count * k.Times) - 1, query * headSize, rounds);
        foreach (var ranges in new[] { 2, 4 })
            Assert.Equal(together, Attend(format, [.. parts], queries, group, rows, ranges));
    }

    static void Write(KvFormat format, nint[] pages, float[] keys, float[] values, int headSize)
    {
        fixed (float* k = keys, v = values)
            for (var i = 0; i < keys.Length / headSize; i++)
            {
                var page = (byte*)pages[i / KvFormat.BlockPositions];
                format.Write(page, page + format.KeyBytes, i % KvFormat.BlockPositions, k + i * headSize, v + i * headSize);
            }
    }

    /// <summary>Replaces what was written by what is stored.</summary>
    static void Read(KvFormat format, ElementType? type, nint[] pages, float[] keys, float[] values, double tolerance)
    {
        var (headSize, stride) = (format.HeadSize, format.ValueStride);
        for (var i = 0; i < keys.Length; i++)
        {
            var (position, d) = Math.DivRem(i, headSize);
            var page = (byte*)pages[position / KvFormat.BlockPositions];
            var slot = position % KvFormat.BlockPositions;
            var key = Element(type, page, d * KvFormat.BlockPositions + slot, headSize, d, slot);
            var value = Element(type, page + format.KeyBytes, slot * stride + d, stride, d, slot);
            Assert.Equal(keys[i], key, 2 * tolerance);
            Assert.Equal(values[i], value, 2 * tolerance);
            (keys[i], values[i]) = (key, value);
        }
    }

    static float Element(ElementType? type, byte* block, int index, int rows, int d, int slot) => type switch
    {
        ElementType.F32 => ((float*)block)[index],
        ElementType.F16 => (float)((Half*)block)[index],
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)block)[index] << 16),
        _ => ((sbyte*)block)[index] * (float)((Half*)(block + rows * KvFormat.BlockPositions))[d / 32 * KvFormat.BlockPositions + slot],
    };

    static float[] Attend(KvFormat format, nint[] pages, float[] queries, int group, int position, int rows, int ranges = 1) =>
        Attend(format, [new AttentionPart(pages, position, Step: 1)], queries, group, rows, ranges);

    static float[] Attend(KvFormat format, AttentionPart[] parts, float[] queries, int group, int rows, int ranges = 1)
    {
        var output = new float[queries.Length];
        var spans = parts.Sum(p => p.Spans(rows));
        using NativeBuffer scratch = new(), partials = new();
        fixed (float* q = queries, o = output)
        {
            var task = new AttentionTask
            {
                Queries = q,
                Output = o,
                Stride = group * format.HeadSize,
                Rows = rows,
                Group = group,
                Parts = parts,
                KeyOffset = 0,
                ValueOffset = format.KeyBytes,
                EndSpan = spans,
            };
            var memory = scratch.Reserve(format.ScratchFloats(rows * group));
            if (ranges > 1)
                task.Partials = partials.Reserve((long)spans * format.PartialFloats(rows * group));
            for (var i = ranges - 1; i >= 0; i--)
            {
                (task.FirstSpan, task.EndSpan) = (i * spans / ranges, (i + 1) * spans / ranges);
                var range = task;
                if (ranges > 1)
                    range.Partials += task.FirstSpan * format.PartialFloats(rows * group);
                format.Attend(range, memory);
            }
            (task.FirstSpan, task.EndSpan) = (0, spans);
            if (ranges > 1)
                format.Merge(task, memory);
        }
        return output;
    }

    /// <summary>The row's attention against double precision; of what is rounded to 8 bits the mean error counts.</summary>
    static void Check(float[] queries, float[] keys, float[] values, float[] output, int headSize, int position, int query, bool rounds)
    {
        var squares = 0.0;
        var scores = Enumerable.Range(0, position + 1)
            .Select(j => Enumerable.Range(0, headSize).Sum(d => (double)queries[query + d] * keys[j * headSize + d]) / Math.Sqrt(headSize)).ToArray();
        var max = scores.Max();
        var weights = scores.Select(s => Math.Exp(s - max)).ToArray();
        for (var d = 0; d < headSize; d++)
        {
            var expected = weights.Select((w, j) => w * values[j * headSize + d]).Sum() / weights.Sum();
            Assert.Equal(expected, output[query + d], rounds ? 0.1 : 2e-5);
            squares += Math.Pow(expected - output[query + d], 2);
        }
        Assert.InRange(Math.Sqrt(squares / headSize), 0, rounds ? 0.01 : 2e-5);
    }

    static float[] Random(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 4 - 2);
        return values;
    }
}
