using System.Globalization;
using System.Text.RegularExpressions;
using SkiaSharp;

namespace Cria.Images;

/// <summary>
/// Where something is in a picture, as a model says it in text. Llama 3.2 Vision has no tokens for coordinates: what its text may look like
/// is what <see cref="Instruction"/> asks for and what models write of their own accord.
/// </summary>
/// <param name="Label">What it is; may be empty.</param>
/// <param name="Left">The left edge as a fraction of the picture's width, from 0.</param>
/// <param name="Top">The upper edge as a fraction of its height.</param>
/// <param name="Right">The right edge, greater than <paramref name="Left"/>.</param>
/// <param name="Bottom">The lower edge, greater than <paramref name="Top"/>.</param>
public sealed partial record GroundingBox(string Label, float Left, float Top, float Right, float Bottom)
{
    const int MaxText = 1 << 20;

    static readonly SKColor[] Colors =
        [new(230, 25, 75), new(0, 130, 200), new(60, 180, 75), new(245, 130, 48), new(145, 30, 180), new(0, 128, 128), new(170, 110, 40), new(128, 0, 0)];

    /// <summary>Asks for the boxes of something in the form that <see cref="Parse"/> reads best.</summary>
    public static string Instruction(string what) =>
        $"Where in the picture is {what}? Answer with one line for each, and nothing else: name: [left, top, right, bottom], as fractions of the picture's width and height from 0 to 1.";

    /// <summary>Width and height of a picture in pixels, upright as EXIF asks.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="name">What an error calls it.</param>
    /// <exception cref="CriaException">It is no image of a supported format, or damaged.</exception>
    public static (int Width, int Height) SizeOf(ReadOnlySpan<byte> image, string name)
    {
        using var picture = ImageDecoder.Decode(image, name);
        return (picture.Width, picture.Height);
    }

    /// <summary>The edges in pixels of a picture, to the nearest.</summary>
    public (int Left, int Top, int Right, int Bottom) Pixels((int Width, int Height) picture) =>
        ((int)MathF.Round(Left * picture.Width), (int)MathF.Round(Top * picture.Height), (int)MathF.Round(Right * picture.Width), (int)MathF.Round(Bottom * picture.Height));

    /// <summary>
    /// The boxes of a text: four numbers in brackets, two points, or four edges by their names, as words or JSON. The label is what stands before the colon, or in
    /// JSON beside the box. Numbers up to 1 are fractions, those with % are percent, others pixels. Corners may be swapped; what lies
    /// outside of the picture is cut off.
    /// </summary>
    /// <param name="text">What a model wrote; other words in it are passed over.</param>
    /// <param name="pixels">Width and height of the picture; without it boxes in pixels are left out.</param>
    /// <exception cref="CriaException">The text is longer than any answer.</exception>
    public static IReadOnlyList<GroundingBox> Parse(string text, (int Width, int Height)? pixels = null)
    {
        if (text.Length > MaxText)
            throw new CriaException($"a text of {text.Length} characters is no answer with boxes; {MaxText} are the most");
        var boxes = new List<GroundingBox>();
        foreach (var match in Box().Matches(text).Concat(NamedEdges().Matches(text)).OrderBy(m => m.Index))
        {
            var numbers = match.Groups["n"].Captures.Select(c => c.Value).ToArray();
            var edges = match.Groups["edge"].Captures.Select(c => EdgeOf(c.Value)).ToArray();
            if (edges.Length > 0)
                Array.Sort(edges, numbers);
            var values = Array.ConvertAll(numbers, n => double.Parse(n.AsSpan().TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture));
            var (width, height) = numbers.Any(n => n.EndsWith('%')) ? (100.0, 100.0)
                : values.Max() <= 1 ? (1, 1)
                : pixels ?? (0, 0);
            if (width == 0 || edges.Distinct().Count() != edges.Length)
                continue;
            var (x1, y1, x2, y2) = (Fraction(values[0], width), Fraction(values[1], height), Fraction(values[2], width), Fraction(values[3], height));
            if (x1 != x2 && y1 != y2)
                boxes.Add(new(LabelOf(text, match), Math.Min(x1, x2), Math.Min(y1, y2), Math.Max(x1, x2), Math.Max(y1, y2)));
        }
        return boxes;
    }

    /// <summary>A picture with boxes drawn on it as a PNG, upright as EXIF asks; each box has the next of eight colours.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="name">What an error calls it.</param>
    /// <param name="boxes">The boxes; later ones lie above.</param>
    /// <exception cref="CriaException">It is no image of a supported format, or damaged.</exception>
    public static byte[] Draw(ReadOnlySpan<byte> image, string name, IReadOnlyList<GroundingBox> boxes)
    {
        using var picture = ImageDecoder.Decode(image, name);
        return Draw(picture, boxes);
    }

    static unsafe byte[] Draw(RgbaImage picture, IReadOnlyList<GroundingBox> boxes)
    {
        var info = new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var surface = SKSurface.Create(info, (nint)picture.Pixels, info.RowBytes);
        var stroke = Math.Max(2f, Math.Max(picture.Width, picture.Height) / 250f);
        using var edge = new SKPaint { Style = SKPaintStyle.Stroke, StrokeWidth = 2 * stroke, Color = SKColors.White };
        using var line = new SKPaint { Style = SKPaintStyle.Stroke, StrokeWidth = stroke };
        for (var i = 0; i < boxes.Count; i++)
        {
            var box = new SKRect(boxes[i].Left * picture.Width, boxes[i].Top * picture.Height, boxes[i].Right * picture.Width, boxes[i].Bottom * picture.Height);
            line.Color = Colors[i % Colors.Length];
            surface.Canvas.DrawRect(box, edge);
            surface.Canvas.DrawRect(box, line);
        }
        surface.Flush();
        using var pixels = surface.PeekPixels();
        using var png = pixels.Encode(SKPngEncoderOptions.Default);
        return png!.ToArray();
    }

    static float Fraction(double value, double size) => (float)Math.Clamp(value / size, 0, 1);

    /// <summary>0 to 3: left, top, right, bottom, each by one of its names.</summary>
    static int EdgeOf(string name) => name[0] switch
    {
        'l' => 0,
        't' => 1,
        'r' => 2,
        'b' => 3,
        var axis => (axis == 'x' ? 0 : 1) + (name.EndsWith("max", StringComparison.Ordinal) || name.EndsWith('2') ? 2 : 0),
    };

    /// <summary>What stands before a box; where that is no more than the word box, or nothing, the name in the JSON object around it.</summary>
    static string LabelOf(string text, Match match)
    {
        const int around = 200;
        var label = match.Groups["label"].Value;
        if (label.Length > 0 && !BoxKey().IsMatch(label))
            return Clean(label);
        var (start, end) = (match.Index, match.Index + match.Length);
        var before = text.AsSpan(0, start)[Math.Max(0, start - around)..];
        var after = text.AsSpan(end)[..Math.Min(around, text.Length - end)];
        var from = start - before.Length + before.LastIndexOf('{') + 1;
        var to = end + (after.IndexOf('}') is >= 0 and var close ? close : after.Length);
        return Clean(NameKey().Match(text[from..to]).Groups["name"].Value);
    }

    /// <summary>Without the marks of lists and markdown.</summary>
    static string Clean(string label) => label.Trim().TrimStart('-', '*', '#', '>', ' ').Trim('*', '"', '`', '\'', ' ');

    // Every repetition has an end, so that no text takes long.
    const string Number = @"(?<n>[-+]?(\d{1,9}(\.\d{0,17})?|\.\d{1,17})(e[-+]?\d{1,2})?%?)", Space = @"\s{0,12}", Comma = "(" + Space + "[,;]" + Space + @"|\s{1,4})",
        Name = @"((?<label>[^\n:\[\](){}]{0,80}):" + Space + ")?",
        Edge = @"[""']?(?<edge>left|top|right|bottom|[xy]_?(min|max|[12]))[""']?\s{0,4}[:=]\s{0,4}" + Number;

    [GeneratedRegex(Name + @"[\[(]{1,2}" + Space + Number + Comma + Number + Space + @"[\])]?" + Comma + @"[\[(]?" + Space + Number + Comma + Number + Space + @"[\])]",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Box();

    [GeneratedRegex(Name + @"[\[({]?" + Space + Edge + "(" + Comma + Edge + "){3}", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex NamedEdges();

    [GeneratedRegex(@"(^|\W)(bbox|box|bounding_box|coordinates|position|location)(_2d)?\W{0,4}$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex BoxKey();

    [GeneratedRegex(@"[""'](label|name|object|class)[""']\s{0,4}:\s{0,4}[""'](?<name>[^""'\n]{0,80})", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex NameKey();
}
