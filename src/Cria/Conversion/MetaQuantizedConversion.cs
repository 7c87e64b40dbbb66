using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>
/// Writes a model of any format as a directory in the form of Meta's quantized ones (spec section 8, "8da4w"): int4 weights with a scale for
/// 32 columns, int8 rows of embedding and output matrix, activations that become int8 as they come. Weights are rounded as torchao
/// rounds them; nothing is rotated and there are no adaptors.
/// </summary>
public static class MetaQuantizedConversion
{
    /// <summary>The name of the scheme.</summary>
    public const string Name = "8da4w";

    const int GroupSize = 32;
    const float SmallestScale = 1.17549435e-38f; // the smallest normal number

    static readonly string[] Tokenizers = ["tokenizer.model", "tokenizer.json"];

    /// <summary>Reads a model and writes a directory, aside and then renamed. Memory is bounded whatever the size of the model.</summary>
    /// <param name="source">A model directory or file.</param>
    /// <param name="target">The directory to write; nothing of that name may exist.</param>
    /// <param name="threads">Threads that quantize.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Looked at between parts; nothing is left behind.</param>
    /// <exception cref="CriaException">The source is not valid or cannot be expressed, holds a weight that is not finite, or the target exists.</exception>
    public static void Write(string source, string target, int threads, Action<ConversionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var model = Checkpoint.Open(source);
        if (model.Config.Vision is not null)
            throw new CriaException($"{source}: a vision model, only text models are converted");
        var c = model.Config;
        if (c.Quantization is not null)
            throw new CriaException($"{source}: is quantized so already");
        if (c.HiddenSize % GroupSize != 0 || c.FeedForwardSize % GroupSize != 0 || c.HeadSize * c.HeadCount != c.HiddenSize)
            throw new CriaException($"{source}: widths {c.HiddenSize} and {c.FeedForwardSize} in {c.HeadCount} heads of {c.HeadSize} are not those of a model in Meta's form in groups of {GroupSize}");
        var scaling = RopeScalingFit.Of(c, source);
        if (scaling is not null && scaling with { Factor = 1 } != new RopeScaling(1, 1, 4, 8192))
            throw new CriaException($"{source}: params.json cannot express {scaling}");
        var roles = TensorRoles.All(c).ToList();
        if (c.TiedEmbeddings)
            roles.Add((TensorRole.Output, 0)); // stored by itself even so
        // Codes and scales of a matrix are made in two readings.
        var total = roles.Select(r => model.Get(r.Role, r.Layer)).Sum(t => t.ByteLength * t.Shape.Count);
        var part = new PartWriter(total, threads, progress, cancellation);
        NewDirectory.Write(target, directory =>
        {
            NewDirectory.WriteJson(Path.Combine(directory, "params.json"), json => Parameters(json, c, scaling));
            NewDirectory.CopyFiles(model, directory, Tokenizers);
            if (!Tokenizers.Any(name => File.Exists(Path.Combine(directory, name))))
                NewDirectory.WriteTokenizer(model, directory);
            PthWriter.Write(Path.Combine(directory, "consolidated.00.pth"), [.. Tensors(model, roles, part)]);
        });
    }

    static void Parameters(Utf8JsonWriter json, ModelConfig c, RopeScaling? scaling)
    {
        json.WriteNumber("dim", c.HiddenSize);
        json.WriteNumber("n_layers", c.LayerCount);
        json.WriteNumber("n_heads", c.HeadCount);
        json.WriteNumber("n_kv_heads", c.KvHeadCount);
        json.WriteNumber("vocab_size", c.VocabularySize);
        // The reader rounds two thirds of 4 D times the multiplier up to a multiple: aimed at the middle, no rounding can miss.
        var multiple = c.FeedForwardSize % 256 == 0 ? 256 : GroupSize;
        json.WriteNumber("multiple_of", multiple);
        json.WriteNumber("ffn_dim_multiplier", (c.FeedForwardSize - multiple / 2.0) / Math.Truncate(8.0 * c.HiddenSize / 3));
        json.WriteNumber("norm_eps", c.NormEpsilon);
        json.WriteNumber("rope_theta", c.RopeTheta);
        json.WriteBoolean("use_scaled_rope", scaling is not null);
        if (scaling is not null)
            json.WriteNumber("rope_scaling_factor", scaling.Factor);
        json.WriteStartObject("quantization_args");
        json.WriteString("scheme", "int4_weight_int8_dynamic_activation");
        json.WriteNumber("group_size", GroupSize);
        json.WriteBoolean("spinquant", false);
        json.WriteEndObject();
    }

    static IEnumerable<WrittenTensor> Tensors(Checkpoint model, IEnumerable<(TensorRole, int)> roles, PartWriter part)
    {
        var c = model.Config;
        foreach (var (role, layer) in roles)
        {
            var (tensor, name) = (model.Get(role, layer), TensorNames.Meta.Of(role, layer));
            var shape = TensorRoles.Shape(role, c);
            if (shape is not [var rows, var columns])
            {
                yield return new(name, ElementType.F32, shape, stream => part.Write(tensor, ElementType.F32, null, stream));
                continue;
            }
            Func<long, long>? rowAt = role is TensorRole.Query or TensorRole.Key && !c.AdjacentPairs ? row => HeadRows.InHalves(row, c.HeadSize) : null;
            var isRow = role is TensorRole.Embedding or TensorRole.Output;
            var (group, half) = isRow ? ((int)columns, 127.5f) : (GroupSize, 7.5f);
            yield return new(name, ElementType.I8, shape, stream => part.Write(tensor, (int)columns, rowAt, stream, (row, target) => Codes(row, group, half, MemoryMarshal.Cast<byte, sbyte>(target))));
            yield return new(TensorNames.Meta.PartOf(role, layer, MetaQuantization.Scales), ElementType.F32, [rows, columns / group],
                stream => part.Write(tensor, (int)columns / group * sizeof(float), rowAt, stream, (row, target) => Scales(row, group, half, MemoryMarshal.Cast<byte, float>(target))));
        }
    }

    /// <summary>The largest magnitude of each group becomes <paramref name="half"/> steps: 7.5 of 4 bits, 127.5 of 8.</summary>
    internal static void Scales(ReadOnlySpan<float> row, int group, float half, Span<float> scales)
    {
        for (var i = 0; i < scales.Length; i++)
        {
            var largest = TensorPrimitives.MaxMagnitude(row.Slice(i * group, group));
            if (!float.IsFinite(largest))
                throw new CriaException("holds a weight that is not finite");
            scales[i] = Math.Max(Math.Abs(largest) / half, SmallestScale);
        }
    }

    internal static void Codes(ReadOnlySpan<float> row, int group, float half, Span<sbyte> codes)
    {
        Span<float> scale = [0];
        for (var start = 0; start < row.Length; start += group)
        {
            Scales(row.Slice(start, group), group, half, scale);
            var inverse = 1 / scale[0];
            for (var i = start; i < start + group; i++)
                codes[i] = (sbyte)Math.Clamp(MathF.Round(row[i] * inverse), -half - 0.5f, half - 0.5f);
        }
    }
}
