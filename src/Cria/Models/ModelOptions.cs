namespace Cria.Models;

/// <summary>The arithmetic of the activations. Sums are float32 in every case.</summary>
public enum ComputeType
{
    /// <summary>
    /// The fastest that keeps the tolerances: float32 activations on the weights as they are stored, and where images are read, of which there are many
    /// rows, rounded to BF16 as in <see cref="BF16"/> on processors that gain by it, unless the KV cache is F32.
    /// </summary>
    Auto,

    /// <summary>Float32 activations, and a float32 KV cache unless <see cref="ModelOptions.Kv"/> says otherwise.</summary>
    F32,

    /// <summary>Activations are rounded to BF16 where they enter a matrix product, as the reference does on a GPU.</summary>
    BF16,
}

/// <summary>The element type of the KV cache.</summary>
public enum KvType
{
    /// <summary>float32.</summary>
    F32,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>8-bit integers in blocks of 32 with one F16 scale; needs a head size that is a multiple of 32.</summary>
    Q8_0,
}

/// <summary>Where the kernels read the weights.</summary>
public enum WeightPlacement
{
    /// <summary>Copied once at load, quantized ones into the layout of the kernels: the fastest.</summary>
    Repacked,

    /// <summary>In the mapped file, quantized ones rearranged on the way at every use: a model opens at once, needs no memory of its own and
    /// is shared between processes. The same bits; quantized ones are slow where few rows are computed together.</summary>
    Mapped,
}

/// <summary>How a model is run.</summary>
public sealed record ModelOptions
{
    /// <summary>The arithmetic of the activations.</summary>
    public ComputeType Compute { get; init; }

    /// <summary>
    /// The element type of the KV cache. Null: F32 if <see cref="Compute"/> is F32, BF16 if it is BF16, otherwise that of the weights and F16
    /// for blocks.
    /// </summary>
    public KvType? Kv { get; init; }

    /// <summary>Threads for the kernels, the caller's included, 1 to 1024. Null: as many as the process may use (a cgroup's limit counts).</summary>
    public int? Threads { get; init; }

    /// <summary>The directory of a LoRA adapter in PEFT's format, which every sequence gets that is not given another one; null for none.</summary>
    public string? Adapter { get; init; }

    /// <summary>Where the weights are read.</summary>
    public WeightPlacement Weights { get; init; }
}
