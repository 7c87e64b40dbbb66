using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>
/// Which type each matrix of a model is stored in. A type by its name (`q4_k`) is that of every matrix within the blocks; the mixtures
/// by the names that llama.cpp gave them (`q4_k_m`) keep the matrices that quality hangs on most in a wider type. Norms stay F32. A vision
/// encoder, small and sensitive, is Q8_0 wherever the text model is quantized; its tables and its patch embedding keep the type they have.
/// </summary>
public sealed class QuantizationRecipe
{
    static readonly QuantizationRecipe[] Mixtures =
    [
        new("q2_k_m", ElementType.Q2_K, fileType: 10, value: (_, _) => ElementType.Q4_K, attentionOutput: ElementType.Q3_K, down: (_, _) => ElementType.Q3_K),
        new("q3_k_s", ElementType.Q3_K, 11),
        new("q3_k_m", ElementType.Q3_K, 12, (layer, _) => layer < 2 ? ElementType.Q5_K : ElementType.Q4_K, ElementType.Q4_K,
            (layer, layers) => layer < layers / 16 ? ElementType.Q5_K : IsSensitive(layer, layers) ? ElementType.Q4_K : ElementType.Q3_K),
        new("q3_k_l", ElementType.Q3_K, 13, (_, _) => ElementType.Q5_K, ElementType.Q5_K, (_, _) => ElementType.Q5_K),
        new("q4_k_s", ElementType.Q4_K, 14, (layer, _) => layer < 4 ? ElementType.Q5_K : ElementType.Q4_K, down: (layer, layers) => layer < layers / 8 ? ElementType.Q5_K : ElementType.Q4_K),
        new("q4_k_m", ElementType.Q4_K, 15, MoreBits(ElementType.Q4_K), down: MoreBits(ElementType.Q4_K)),
        new("q5_k_s", ElementType.Q5_K, 16),
        new("q5_k_m", ElementType.Q5_K, 17, MoreBits(ElementType.Q5_K), down: MoreBits(ElementType.Q5_K)),
    ];

    readonly ElementType _type;
    readonly ElementType _attentionOutput;
    readonly Func<int, int, ElementType> _value, _down; // of (layer, layers)

    QuantizationRecipe(string name, ElementType type, uint fileType, Func<int, int, ElementType>? value = null, ElementType? attentionOutput = null,
        Func<int, int, ElementType>? down = null)
    {
        (Name, _type, FileType, _attentionOutput) = (name, type, fileType, attentionOutput ?? type);
        (_value, _down) = (value ?? ((_, _) => type), down ?? ((_, _) => type));
    }

    /// <summary>The name it is asked for by.</summary>
    public string Name { get; }

    /// <summary>The number of `general.file_type` (spec 4.3).</summary>
    public uint FileType { get; }

    /// <summary>All names: the mixtures, and every type of weights.</summary>
    public static IEnumerable<string> Names => Mixtures.Select(m => m.Name).Concat(BlockFormats.Types.Select(t => t.Name().ToLowerInvariant()));

    /// <summary>The recipe of a name, in upper or lower case.</summary>
    /// <exception cref="CriaException">There is none such.</exception>
    public static QuantizationRecipe Find(string name)
    {
        if (Array.Find(Mixtures, m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } mixture)
            return mixture;
        foreach (var type in BlockFormats.Types)
            if (type.Name().Equals(name, StringComparison.OrdinalIgnoreCase))
                return new QuantizationRecipe(type.Name().ToLowerInvariant(), type, FileTypeOf(type));
        throw new CriaException($"there is no type {OneLine.Quote(name)}; there are {string.Join(", ", Names)}");
    }

    /// <summary>
    /// The type of a matrix of so many columns that has another type so far. Where its rows are no whole blocks, the next wider type that they
    /// are whole blocks of.
    /// </summary>
    public ElementType TypeOf(TensorRole role, int layer, int layers, long columns, ElementType source)
    {
        if (role is TensorRole.VisionPatch or TensorRole.VisionPosition or TensorRole.VisionTilePosition or TensorRole.VisionPreTile or TensorRole.VisionPostTile)
            return source;
        var type = role switch
        {
            >= TensorRole.VisionPatch when _type.BlockLength() > 1 => ElementType.Q8_0,
            TensorRole.Value or TensorRole.CrossValue => _value(layer, layers),
            TensorRole.AttentionOutput or TensorRole.CrossOutput => _attentionOutput,
            TensorRole.Down => _down(layer, layers),
            TensorRole.Embedding or TensorRole.Output when _type is >= ElementType.Q2_K and <= ElementType.Q5_K or ElementType.IQ4_NL or ElementType.IQ4_XS => ElementType.Q6_K,
            _ => _type,
        };
        return columns % type.BlockLength() == 0 ? type : columns % 32 != 0 ? ElementType.F16 : type switch
        {
            ElementType.Q2_K or ElementType.Q3_K or ElementType.IQ4_XS => ElementType.IQ4_NL,
            ElementType.Q4_K => ElementType.Q5_0,
            ElementType.Q5_K => ElementType.Q5_1,
            _ => ElementType.Q8_0,
        };
    }

    /// <summary>The first and the last eighth of the layers, and every third between: there an error costs most.</summary>
    static bool IsSensitive(int layer, int layers) => layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;

    static Func<int, int, ElementType> MoreBits(ElementType type) => (layer, layers) => IsSensitive(layer, layers) ? ElementType.Q6_K : type;

    /// <summary>The number of a file whose matrices have a type.</summary>
    internal static uint FileTypeOf(ElementType type) => type switch
    {
        ElementType.F32 => 0,
        ElementType.F16 => 1,
        ElementType.Q4_0 => 2,
        ElementType.Q4_1 => 3,
        ElementType.Q8_0 => 7,
        ElementType.Q5_0 => 8,
        ElementType.Q5_1 => 9,
        ElementType.Q2_K => 10,
        ElementType.Q3_K => 11,
        ElementType.Q4_K => 14,
        ElementType.Q5_K => 16,
        ElementType.Q6_K => 18,
        ElementType.IQ4_NL => 25,
        ElementType.IQ4_XS => 30,
        _ => 32,
    };
}
