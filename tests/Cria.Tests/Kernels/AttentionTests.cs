using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    public static TheoryData<int, ElementType?> KernelsAndTypes()
    {
        var data = new TheoryData<int, ElementType?>();
        foreach (var kernels in KernelSet.All)
            foreach (var type in new ElementType?[] { ElementType.F32, ElementType.F16, ElementType.BF16, null })
                data.Add(kernels.Bits, type);
        return data;
    }

    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void AttentionMatchesDoubleArithmeticAndRowsDoNotDependOnTheirRun(int bits, ElementType? type) =>
        Gen.Select(Gen.Int[1, 8], type is null ? Gen.Int[1, 4].Select(n => 32 * n) : Gen.Int[1, 70].Select(n => 2 * n), Gen.Int[0, 150], Gen.Int[1, 40], Gen.Int)
            .Sample((group, headSize, position, rows, seed) =>
        {
            var kernels = KernelSet.All.Single(k => k.Bits == bits);
            var format = kernels.CreateKvFormat(type, headSize);
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
                Read(format, pages, keys, values, headSize, tolerance: type switch { ElementType.F32 => 0, ElementType.F16 => 0.001, ElementType.BF16 => 0.01, _ => 0.02 });

                var queries = Random(random, rows * group * headSize);
                var together = Attend(kernels, format, pages, queries, group, position, rows);
                for (var row = 0; row < rows; row++)
                {
                    var size = group * headSize;
                    var alone = Attend(kernels, format, pages, queries[(row * size)..((row + 1) * size)], group, position + row, 1);
                    Assert.Equal(alone, together[(row * size)..((row + 1) * size)]);
                    for (var head = 0; head < group; head++)
                        Check(queries, keys, values, together, headSize, position + row, (row * group + head) * headSize);
                }
            }
            finally
            {
                foreach (var page in pages)
                    NativeMemory.AlignedFree((void*)page);
            }
        }, iter: 25);

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
    static void Read(KvFormat format, nint[] pages, float[] keys, float[] values, int headSize, double tolerance)
    {
        using NativeBuffer scratch = new(), more = new();
        for (var i = 0; i < keys.Length / headSize; i++)
        {
            var slot = i % KvFormat.BlockPositions;
            var page = (byte*)pages[i / KvFormat.BlockPositions];
            var k = format.Keys(page, scratch.Reserve(headSize, KvFormat.BlockPositions).Data);
            var v = format.Values(page + format.KeyBytes, slot + 1, more.Reserve(format.ValueStride, KvFormat.BlockPositions).Data);
            for (var d = 0; d < headSize; d++)
            {
                Assert.Equal(keys[i * headSize + d], k[d * KvFormat.BlockPositions + slot], 2 * tolerance);
                Assert.Equal(values[i * headSize + d], v[slot * format.ValueStride + d], 2 * tolerance);
                keys[i * headSize + d] = k[d * KvFormat.BlockPositions + slot];
                values[i * headSize + d] = v[slot * format.ValueStride + d];
            }
        }
    }

    static float[] Attend(KernelSet kernels, KvFormat format, nint[] pages, float[] queries, int group, int position, int rows)
    {
        var output = new float[queries.Length];
        using var scratch = new NativeBuffer();
        fixed (float* q = queries, o = output)
        {
            var task = new AttentionTask
            {
                Queries = q,
                Output = o,
                Stride = group * format.HeadSize,
                Rows = rows,
                Group = group,
                Position = position,
                Pages = pages,
                KeyOffset = 0,
                ValueOffset = format.KeyBytes,
            };
            kernels.Attend(task, format, scratch.Reserve(kernels.AttentionScratch(format, rows * group)));
        }
        return output;
    }

    static void Check(float[] queries, float[] keys, float[] values, float[] output, int headSize, int position, int query)
    {
        var scores = Enumerable.Range(0, position + 1)
            .Select(j => Enumerable.Range(0, headSize).Sum(d => (double)queries[query + d] * keys[j * headSize + d]) / Math.Sqrt(headSize)).ToArray();
        var max = scores.Max();
        var weights = scores.Select(s => Math.Exp(s - max)).ToArray();
        for (var d = 0; d < headSize; d++)
        {
            var expected = weights.Select((w, j) => w * values[j * headSize + d]).Sum() / weights.Sum();
            Assert.Equal(expected, output[query + d], 2e-5);
        }
    }

    static float[] Random(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 4 - 2);
        return values;
    }
}
