using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>
/// How the keys and values of one head are stored, in blocks of 64 positions. Keys lie transposed, [head size][64 positions], so that
/// scores need no sums across lanes; values lie as they come, [64 positions][head size rounded up to 32]. Types with scales have them
/// behind, F16, [group of elements][64 positions].
/// </summary>
abstract unsafe class KvFormat(int headSize)
{
    /// <summary>Positions of a block.</summary>
    public const int BlockPositions = 64;

    /// <summary>Positions of a span: what attention sums in one go.</summary>
    public const int SpanPositions = 512;

    public int HeadSize => headSize;

    /// <summary>Whether queries and weights are rounded to BF16, for the dot products of <see cref="Emitted.PairAttention"/>; elements are BF16.</summary>
    public bool Rounds { get; init; }

    /// <summary>Elements from one position's value to the next.</summary>
    public int ValueStride { get; } = (headSize + 31) & ~31;

    /// <summary>Bytes of a block of keys.</summary>
    public abstract int KeyBytes { get; }

    /// <summary>Bytes of a block of values.</summary>
    public abstract int ValueBytes { get; }

    /// <summary>Stores the key and the value of one position, <paramref name="slot"/> in [0, 64).</summary>
    public abstract void Write(byte* keys, byte* values, int slot, float* key, float* value);

    /// <inheritdoc cref="Attention{T,W,V}.ScratchFloats"/>
    public abstract int ScratchFloats(int queries);

    /// <inheritdoc cref="Attention{T,W,V}.PartialFloats"/>
    public abstract int PartialFloats(int queries);

    /// <inheritdoc cref="Attention{T,W,V}.Run"/>
    public abstract void Attend(in AttentionTask task, float* scratch);

    /// <inheritdoc cref="Attention{T,W,V}.Merge"/>
    public abstract void Merge(in AttentionTask task, float* scratch);
}

/// <summary>Keys and values in one type.</summary>
sealed unsafe class KvFormat<T, W, V> : KvFormat where T : struct, IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    public KvFormat(int headSize) : base(headSize)
    {
        if (T.HasScales && headSize % KvGroup.Size != 0)
            throw new CriaException($"a KV cache in Q8_0 needs a head size that is a multiple of {KvGroup.Size}, this model's is {headSize}");
    }

    int ScaleBytes => T.HasScales ? HeadSize / KvGroup.Size * BlockPositions * sizeof(ushort) : 0;

    public override int KeyBytes => BlockPositions * HeadSize * T.Size + ScaleBytes;

    public override int ValueBytes => BlockPositions * ValueStride * T.Size + ScaleBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Write(byte* keys, byte* values, int slot, float* key, float* value)
    {
        var keyScales = (ushort*)(keys + BlockPositions * HeadSize * T.Size) + slot;
        var valueScales = (ushort*)(values + BlockPositions * ValueStride * T.Size) + slot;
        for (var first = 0; first < HeadSize; first += KvGroup.Size, keyScales += BlockPositions, valueScales += BlockPositions)
        {
            var count = Math.Min(KvGroup.Size, HeadSize - first);
            T.Write(key + first, count, keys + (first * BlockPositions + slot) * T.Size, BlockPositions, keyScales);
            T.Write(value + first, count, values + (slot * ValueStride + first) * T.Size, 1, valueScales);
        }
    }

    public override int ScratchFloats(int queries) => Attention<T, W, V>.ScratchFloats(this, queries);

    public override int PartialFloats(int queries) => Attention<T, W, V>.PartialFloats(this, queries);

    public override void Attend(in AttentionTask task, float* scratch) => Attention<T, W, V>.Run(task, this, scratch);

    public override void Merge(in AttentionTask task, float* scratch) => Attention<T, W, V>.Merge(task, this, scratch);
}
