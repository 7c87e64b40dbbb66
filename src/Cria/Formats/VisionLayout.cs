using System.Runtime.InteropServices;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// What the formats do with the tensors of a vision model, and how they become those that <see cref="TensorRole"/> describes, which are
/// Hugging Face's (spec llama32-vision 5). Nothing is read before somebody reads the result.
/// </summary>
static unsafe class VisionLayout
{
    /// <summary>A tensor of a Hugging Face directory.</summary>
    public static Tensor FromHuggingFace(TensorRole role, Tensor tensor, ModelConfig config) => role switch
    {
        TensorRole.Embedding => Rows(tensor, 0, config.VocabularySize, config),
        TensorRole.ImageEmbedding => Rows(tensor, config.VocabularySize, ModelConfig.ImageRows, config),
        TensorRole.VisionPatch when tensor is { Count: > 0, Shape.Count: 4 } => tensor.Reshape(tensor.Shape[1] * tensor.Shape[2] * tensor.Shape[3]),
        _ => tensor,
    };

    /// <summary>
    /// A tensor of Ollama's: rows of the queries and keys of cross-attention stand as RoPE would want them, and the gates of the encoder are
    /// evaluated (those of cross-attention are not).
    /// </summary>
    public static Tensor FromGguf(TensorRole role, Tensor tensor, ModelConfig config, List<IDisposable> memories) => role switch
    {
        TensorRole.CrossQuery or TensorRole.CrossKey => HeadRows.ToHalves(tensor, config.HeadSize, memories),
        TensorRole.VisionPositionGate or TensorRole.VisionPreTileGate or TensorRole.VisionPostTileGate
            or TensorRole.VisionAttentionGate or TensorRole.VisionFeedForwardGate => Gate(tensor, memories),
        _ => FromHuggingFace(role, tensor, config),
    };

    /// <summary>A tensor of Meta's, whose tables have a cell for each row and column of tiles, not a row for each aspect ratio.</summary>
    public static Tensor FromMeta(TensorRole role, Tensor tensor, ModelConfig config, List<IDisposable> memories) => role switch
    {
        TensorRole.VisionTilePosition or TensorRole.VisionPreTile or TensorRole.VisionPostTile => ByAspectRatio(tensor, config.Vision!, memories),
        _ => tensor,
    };

    static Tensor Rows(Tensor tensor, long first, long count, ModelConfig config) =>
        tensor.Shape is [var rows, _] && rows == config.VocabularySize + ModelConfig.ImageRows ? tensor.Rows(first, count)
            : throw new CriaException($"{tensor.File}: {tensor.Name} has shape {tensor.ShapeText}, a vocabulary of {config.VocabularySize} and {ModelConfig.ImageRows} rows for images were due");

    /// <summary>
    /// A gate before its tanh: of the numbers that have it one with few digits, as BF16 and F16 have them, so that a gate of theirs is found again. What is so
    /// large that float32 knows no difference to 1 stays so.
    /// </summary>
    static Tensor Gate(Tensor tensor, List<IDisposable> memories)
    {
        if (tensor.Count != 1 || tensor.Type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            return tensor; // whoever binds it says what is wrong
        var memory = new GatheredMemory(tensor.File, sizeof(float), target =>
        {
            var tanh = 0f;
            tensor.CopyTo(new Span<float>(ref tanh));
            var gate = (float)Math.Atanh(Math.Clamp(tanh, -MathF.BitDecrement(1), MathF.BitDecrement(1)));
            float[] near = [(float)(Half)gate, gate, MathF.BitDecrement(gate), MathF.BitIncrement(gate)];
            *(float*)target = near.MinBy(g => Math.Abs(MathF.Tanh(g) - tanh));
        });
        memories.Add(memory);
        return new Tensor(tensor.Name, ElementType.F32, [1], memory, 0);
    }

    /// <summary>[tiles, tiles, N, W] as [1 + aspect ratios, tiles * N * W]: the tiles of every layout in order, then zeros.</summary>
    static Tensor ByAspectRatio(Tensor tensor, VisionConfig vision, List<IDisposable> memories)
    {
        if (tensor.Shape is not [var rows, var columns, _, _] || rows != vision.MaxTiles || columns != rows)
            return tensor;
        var cell = tensor.ByteLength / (rows * columns);
        var row = cell * vision.MaxTiles;
        var memory = new GatheredMemory(tensor.File, (1 + vision.AspectRatios.Count) * row, target =>
        {
            NativeMemory.Clear(target, (nuint)((1 + vision.AspectRatios.Count) * row));
            for (var id = 1; id <= vision.AspectRatios.Count; id++)
            {
                var (high, wide) = vision.AspectRatios[id - 1];
                for (var tile = 0; tile < high * wide; tile++)
                    Buffer.MemoryCopy(tensor.Data + (tile / wide * columns + tile % wide) * cell, target + id * row + tile * cell, cell, cell);
            }
        });
        memories.Add(memory);
        return new Tensor(tensor.Name, tensor.Type, [1 + vision.AspectRatios.Count, row / tensor.Type.Bytes(1)], memory, 0);
    }
}
