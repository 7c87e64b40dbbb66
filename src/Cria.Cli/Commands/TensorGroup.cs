using System.Globalization;
using System.Text.RegularExpressions;
using Cria.Tensors;

namespace Cria.Cli.Commands;

/// <summary>The same tensor of several layers as one row, such as `model.layers.0-15.mlp.up_proj.weight`.</summary>
sealed partial record TensorGroup(string Name, ElementType Type, string Shape)
{
    /// <summary>Groups by name without the layer, type and shape; in the order of each group's first tensor.</summary>
    public static IEnumerable<TensorGroup> Of(IEnumerable<Tensor> tensors) => tensors
        .Select(t => (Parts: LayerNumber().Match(t.Name), Tensor: t))
        .GroupBy(t => (t.Parts.Success ? t.Parts.Result("$1#$3") : t.Tensor.Name, t.Tensor.Type, t.Tensor.ShapeText))
        .Select(g => new TensorGroup(g.First().Parts.Success ? g.Key.Item1.Replace("#", Ranges([.. g.Select(Layer)])) : g.Key.Item1, g.Key.Type, g.Key.ShapeText));

    static int Layer((Match Parts, Tensor Tensor) t) => int.Parse(t.Parts.Groups[2].Value, CultureInfo.InvariantCulture);

    /// <summary>Ascending numbers as `0-3,5`.</summary>
    static string Ranges(List<int> numbers)
    {
        var text = new List<string>();
        for (int i = 0, start = 0; i < numbers.Count; i++)
        {
            if (i + 1 < numbers.Count && numbers[i + 1] == numbers[i] + 1)
                continue;
            text.Add(start == i ? $"{numbers[i]}" : $"{numbers[start]}-{numbers[i]}");
            start = i + 1;
        }
        return string.Join(',', text);
    }

    [GeneratedRegex(@"^(.*(?:layers|resblocks|blk)\.)(\d{1,6})(\..*)$")]
    private static partial Regex LayerNumber();
}
