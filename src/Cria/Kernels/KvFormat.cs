using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>
/// How the keys and values of one head are stored, in blocks of 64 positions. Keys lie transposed, [head size][64 positions], so that
/// scores need no sums across lanes; values lie as they come, [64 positions][head size rounded up to 16]. Attention reads a block
/// as float32.
/// </summary>
abstract unsafe class KvFormat(int headSize)
{
    /// <summary>Positions of a block.</summary>
    public const int BlockPositions = 64;

    public int HeadSize => headSize;

    /// <summary>Elements from one position's value to the next.</summary>
    public int ValueStride { get; } = (headSize + 15) & ~15;

    /// <summary>Bytes of a block of keys.</summary>
    public abstract int KeyBytes { get; }

    /// <summary>Bytes of a block of values.</summary>
    public abstract int ValueBytes { get; }

    /// <summary>Stores the key and the value of one position, <paramref name="slot"/> in [0, 64).</summary>
    public abstract void Write(byte* keys, byte* values, int slot, float* key, float* value);

    /// <summary>A block of keys as float32, [head size][64]: in <paramref name="scratch"/> or where it is stored.</summary>
    public abstract float* Keys(byte* keys, float* scratch);

    /// <summary>The first <paramref name="positions"/> values of a block as float32, [positions][<see cref="ValueStride"/>].</summary>
    public abstract float* Values(byte* values, int positions, float* scratch);
}

/// <summary>Keys and values in float32.</summary>
sealed unsafe class F32Kv(int headSize) : KvFormat(headSize)
{
    public override int KeyBytes => HeadSize * BlockPositions * sizeof(float);

    public override int ValueBytes => ValueStride * BlockPositions * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Write(byte* keys, byte* values, int slot, float* key, float* value)
    {
        for (var i = 0; i < HeadSize; i++)
        {
            ((float*)keys)[i * BlockPositions + slot] = key[i];
            ((float*)values)[slot * ValueStride + i] = value[i];
        }
    }

    public override float* Keys(byte* keys, float* scratch) => (float*)keys;

    public override float* Values(byte* values, int positions, float* scratch) => (float*)values;
}
