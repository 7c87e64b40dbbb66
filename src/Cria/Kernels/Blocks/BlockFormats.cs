using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>
/// ggml's block types and the plain float types of weights: to float32 and back. The scalar truth of every kernel. Safe from any number
/// of threads.
/// </summary>
public static unsafe class BlockFormats
{
    static readonly Dictionary<ElementType, Loops> All = new[]
    {
        Loops.Over<F32>(), Loops.Over<F16>(), Loops.Over<BF16>(),
        Loops.Over<Q4_0>(), Loops.Over<Q4_1>(), Loops.Over<Q5_0>(), Loops.Over<Q5_1>(), Loops.Over<Q8_0>(),
        Loops.Over<Q2_K>(), Loops.Over<Q3_K>(), Loops.Over<Q4_K>(), Loops.Over<Q5_K>(), Loops.Over<Q6_K>(),
        Loops.Over<IQ4_NL>(), Loops.Over<IQ4_XS>(),
    }.ToDictionary(loops => loops.Type);

    /// <summary>The types that weights can have.</summary>
    public static IReadOnlyCollection<ElementType> Types => All.Keys;

    /// <summary>The values of whole blocks; formulas in spec 4.4.</summary>
    /// <exception cref="ArgumentException">The lengths do not fit each other or whole blocks, or weights never have that type.</exception>
    public static void Dequantize(ElementType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        Check(type, values.Length, blocks.Length);
        fixed (byte* from = blocks)
        fixed (float* to = values)
            Dequantize(type, from, values.Length, to);
    }

    /// <summary>The same for <paramref name="count"/> values.</summary>
    internal static void Dequantize(ElementType type, byte* blocks, long count, float* values) => All[type].Dequantize(blocks, count, values);

    /// <summary>
    /// A row to whole blocks. F16 to Q8_0 have a fixed rounding; the other types search for a small squared error, in which each column
    /// counts by its importance (all alike where <paramref name="importance"/> is empty).
    /// </summary>
    /// <exception cref="CriaException">A value or an importance is not finite, or an importance negative.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other or whole blocks, or weights never have that type.</exception>
    public static void Quantize(ElementType type, ReadOnlySpan<float> row, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        Check(type, row.Length, blocks.Length);
        if (importance.Length != 0 && importance.Length != row.Length)
            throw new ArgumentException($"{importance.Length} importances of {row.Length} columns");
        for (var i = 0; i < row.Length; i++)
            if (!float.IsFinite(row[i]))
                throw new CriaException($"column {i} is {row[i]}, not a finite number");
        for (var i = 0; i < importance.Length; i++)
            if (!(importance[i] >= 0 && float.IsFinite(importance[i])))
                throw new CriaException($"the importance of column {i} is {importance[i]}, not a finite number from 0");
        fixed (float* from = row, weights = importance)
        fixed (byte* to = blocks)
            Quantize(type, from, row.Length, weights, to);
    }

    /// <summary>The same for finite numbers; <paramref name="importance"/> is null or has one for each column.</summary>
    internal static void Quantize(ElementType type, float* values, int columns, float* importance, byte* blocks) =>
        All[type].Quantize(values, columns, importance, blocks);

    static void Check(ElementType type, int values, int bytes)
    {
        if (!All.ContainsKey(type) || values % type.BlockLength() != 0 || bytes != type.Bytes(values))
            throw new ArgumentException($"{values} values in {bytes} bytes are not whole blocks of {type.Name()}");
    }

    /// <summary>A format's loops over the blocks of a row.</summary>
    readonly struct Loops
    {
        public ElementType Type { get; private init; }

        public delegate*<byte*, long, float*, void> Dequantize { get; private init; }

        public delegate*<float*, int, float*, byte*, void> Quantize { get; private init; }

        public static Loops Over<F>() where F : struct, IBlockFormat =>
            new() { Type = F.Type, Dequantize = &DequantizeBlocks<F>, Quantize = &QuantizeBlocks<F> };
    }

    static void DequantizeBlocks<F>(byte* blocks, long count, float* values) where F : struct, IBlockFormat
    {
        var (length, bytes) = (F.Type.BlockLength(), F.Type.BlockBytes());
        for (var end = values + count; values < end; values += length, blocks += bytes)
            F.Dequantize(blocks, values);
    }

    static void QuantizeBlocks<F>(float* values, int columns, float* importance, byte* blocks) where F : struct, IBlockFormat
    {
        var weights = stackalloc float[256];
        new Span<float>(weights, 256).Fill(1);
        var mean = 0.0;
        for (var i = 0; importance != null && i < columns; i++)
            mean += (double)importance[i] / columns;
        for (var column = 0; column < columns; column += F.Type.BlockLength(), blocks += F.Type.BlockBytes())
        {
            // A column without any importance still counts a little, so that every sum of weights is positive.
            for (var i = 0; mean > 0 && i < F.Type.BlockLength(); i++)
                weights[i] = (float)(importance[column + i] / mean) + 1e-6f;
            F.Quantize(values + column, weights, blocks);
        }
    }
}
