using System.Globalization;
using System.Text.RegularExpressions;
using Cria.Formats;

namespace Cria.Hub;

/// <summary>What the name of a GGUF file says: the model, the type of its weights, and of a split model which part it is.</summary>
sealed partial record GgufName
{
    /// <summary>The path without the number of the part and without `.gguf`.</summary>
    public required string Stem { get; init; }

    /// <summary>The part from 1; 1 of 1 for a model in one file.</summary>
    public int Part { get; init; } = 1;

    /// <summary>Parts of the model.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The type of the weights in capitals as published names carry it, for example Q4_K_M or UD-Q4_K_XL; null where there is none.</summary>
    public string? Type => TypeInName().Matches(Stem).LastOrDefault()?.Value.ToUpperInvariant();

    /// <summary>Whether it holds no language model but what belongs to one: an image projector or an importance matrix.</summary>
    public bool IsAccessory => Path.GetFileName(Stem) is var name
        && (name.StartsWith("mmproj", StringComparison.OrdinalIgnoreCase) || name.Contains("imatrix", StringComparison.OrdinalIgnoreCase)
            || name.Equals(Path.GetFileNameWithoutExtension(GgufModel.EncoderFile), StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads a file's name or path; null where it does not end with `.gguf`.</summary>
    public static GgufName? Parse(string path)
    {
        const string Ending = ".gguf";
        if (!path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase))
            return null;
        var name = path[..^Ending.Length];
        if (PartInName().Match(name) is not { Success: true } match)
            return new() { Stem = name };
        return new()
        {
            Stem = name[..match.Index],
            Part = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
            Count = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture),
        };
    }

    /// <summary>The file of a part of this model.</summary>
    public string File(int part) => Count == 1 ? Stem + ".gguf" : string.Create(CultureInfo.InvariantCulture, $"{Stem}-{part:D5}-of-{Count:D5}.gguf");

    /// <summary>The files of all its parts.</summary>
    public IEnumerable<string> Files => Enumerable.Range(1, Count).Select(File);

    [GeneratedRegex(@"-(\d{5})-of-(\d{5})$", RegexOptions.CultureInvariant)]
    private static partial Regex PartInName();

    [GeneratedRegex(@"(?<=^|[-._/\\])(?:UD-)?(?:I?Q[1-8](?:_[0-9A-Z]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4)(?=$|[-._/\\])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TypeInName();
}
