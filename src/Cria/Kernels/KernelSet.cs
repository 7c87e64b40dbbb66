using System.Runtime.Intrinsics;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>The kernels at one vector width. Each works on the range it is given, in the calling thread.</summary>
abstract unsafe class KernelSet
{
    /// <summary>The widths this processor has, the widest first: 512 bits do twice the float work of 256 on Zen 5 (docs/LOG.md).</summary>
    public static IReadOnlyList<KernelSet> All { get; } =
    [
        .. Vector512.IsHardwareAccelerated ? [new KernelSet<Width512, Vector512<float>>(512)] : Array.Empty<KernelSet>(),
        .. Vector256.IsHardwareAccelerated ? [new KernelSet<Width256, Vector256<float>>(256)] : Array.Empty<KernelSet>(),
        new KernelSet<Width128, Vector128<float>>(128),
    ];

    /// <summary>What the engine uses.</summary>
    public static KernelSet Best => All[0];

    /// <summary>Bits of a vector.</summary>
    public abstract int Bits { get; }

    /// <inheritdoc cref="MatrixProduct{T,W,V}.PackedColumns"/>
    public abstract int PackedColumns(int columns);

    /// <inheritdoc cref="MatrixProduct{T,W,V}.Pack"/>
    public abstract void Pack(ElementType type, float* x, int columns, int first, int end, bool roundToBF16, float* packed);

    /// <inheritdoc cref="MatrixProduct{T,W,V}.Multiply"/>
    public abstract void Multiply(ElementType type, byte* weights, int columns, int firstOutput, int endOutput, float* packed, int firstRow, int endRow,
        float* y, nint yStride);

    /// <inheritdoc cref="RowOperations{W,V}.RmsNorm"/>
    public abstract void RmsNorm(float* x, float* weight, int columns, float epsilon, float* y);

    /// <inheritdoc cref="RowOperations{W,V}.LayerNorm"/>
    public abstract void LayerNorm(float* x, float* weight, float* bias, int columns, float epsilon, float* y);

    /// <inheritdoc cref="RowOperations{W,V}.Gelu(float*,int)"/>
    public abstract void Gelu(float* x, int count);

    /// <inheritdoc cref="RowOperations{W,V}.AddScaled"/>
    public abstract void AddScaled(float* x, float* y, float factor, int count);

    /// <inheritdoc cref="RowOperations{W,V}.SwiGlu(float*,float*,int)"/>
    public abstract void SwiGlu(float* gate, float* up, int count);

    /// <inheritdoc cref="RowOperations{W,V}.Add"/>
    public abstract void Add(float* x, float* y, int count);

    /// <inheritdoc cref="RowOperations{W,V}.Rotate"/>
    public abstract void Rotate(float* x, int heads, int headSize, float* cos, float* sin);

    /// <inheritdoc cref="RowOperations{W,V}.RotateAdjacent"/>
    public abstract void RotateAdjacent(float* x, int heads, int headSize, float* cos, float* sin);

    /// <summary>The store of keys and values in <see cref="ElementType.F32"/>, F16 or BF16, or in Q8_0 (null).</summary>
    public abstract KvFormat CreateKvFormat(ElementType? type, int headSize);

    /// <summary>The store on which many rows attend fastest where queries, weights, keys and values may be rounded to BF16.</summary>
    public abstract KvFormat CreateRoundedKvFormat(int headSize);
}

/// <summary>The kernels instantiated for one width.</summary>
sealed unsafe class KernelSet<W, V>(int bits) : KernelSet where W : struct, IWidth<V> where V : struct
{
    public override int Bits => bits;

    public override int PackedColumns(int columns) => MatrixProduct<F32Weights<W, V>, W, V>.PackedColumns(columns);

    public override void Pack(ElementType type, float* x, int columns, int first, int end, bool roundToBF16, float* packed)
    {
        switch (type)
        {
            case ElementType.F32:
                MatrixProduct<F32Weights<W, V>, W, V>.Pack(x, columns, first, end, roundToBF16, packed);
                break;
            case ElementType.F16:
                MatrixProduct<F16Weights<W, V>, W, V>.Pack(x, columns, first, end, roundToBF16, packed);
                break;
            default:
                MatrixProduct<BF16Weights<W, V>, W, V>.Pack(x, columns, first, end, roundToBF16, packed);
                break;
        }
    }

    public override void Multiply(ElementType type, byte* weights, int columns, int firstOutput, int endOutput, float* packed, int firstRow, int endRow,
        float* y, nint yStride)
    {
        switch (type)
        {
            case ElementType.F32:
                MatrixProduct<F32Weights<W, V>, W, V>.Multiply(weights, columns, firstOutput, endOutput, packed, firstRow, endRow, y, yStride);
                break;
            case ElementType.F16:
                MatrixProduct<F16Weights<W, V>, W, V>.Multiply(weights, columns, firstOutput, endOutput, packed, firstRow, endRow, y, yStride);
                break;
            case ElementType.BF16:
                MatrixProduct<BF16Weights<W, V>, W, V>.Multiply(weights, columns, firstOutput, endOutput, packed, firstRow, endRow, y, yStride);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "no kernel for this type of weights");
        }
    }

    public override void RmsNorm(float* x, float* weight, int columns, float epsilon, float* y) =>
        RowOperations<W, V>.RmsNorm(x, weight, columns, epsilon, y);

    public override void LayerNorm(float* x, float* weight, float* bias, int columns, float epsilon, float* y) =>
        RowOperations<W, V>.LayerNorm(x, weight, bias, columns, epsilon, y);

    public override void Gelu(float* x, int count) => RowOperations<W, V>.Gelu(x, count);

    public override void AddScaled(float* x, float* y, float factor, int count) => RowOperations<W, V>.AddScaled(x, y, factor, count);

    public override void SwiGlu(float* gate, float* up, int count) => RowOperations<W, V>.SwiGlu(gate, up, count);

    public override void Add(float* x, float* y, int count) => RowOperations<W, V>.Add(x, y, count);

    public override void Rotate(float* x, int heads, int headSize, float* cos, float* sin) =>
        RowOperations<W, V>.Rotate(x, heads, headSize, cos, sin);

    public override void RotateAdjacent(float* x, int heads, int headSize, float* cos, float* sin) =>
        RowOperations<W, V>.RotateAdjacent(x, heads, headSize, cos, sin);

    public override KvFormat CreateKvFormat(ElementType? type, int headSize) => type switch
    {
        ElementType.F32 => new KvFormat<F32Kv<W, V>, W, V>(headSize),
        ElementType.F16 => new KvFormat<F16Kv<W, V>, W, V>(headSize),
        ElementType.BF16 => new KvFormat<BF16Kv<W, V>, W, V>(headSize),
        null => new KvFormat<Q8Kv<W, V>, W, V>(headSize),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no KV cache of this type"),
    };

    public override KvFormat CreateRoundedKvFormat(int headSize) =>
        bits == 512 && PairKernel.IsSupported ? new KvFormat<BF16Kv<W, V>, W, V>(headSize) { Rounds = true } : CreateKvFormat(ElementType.F32, headSize);
}
