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

    /// <summary>
    /// The boxes of a text: four numbers in brackets, or two points, with what stands before the colon as their label. Numbers up to 1 are
    /// fractions, those with % are percent, others pixels. Corners may be swapped; what lies outside of the picture is cut off.
    /// </summary>
    /// <param name="text">What a model wrote; other words in it are passed over.</param>
    /// <param name="pixels">Width and height of the picture; without it boxes in pixels are left out.</param>
    /// <exception cref="CriaException">The text is longer than any answer.</exception>
    public static IReadOnlyList<GroundingBox> Parse(string text, (int Width, int Height)? pixels = null)
    {
        if (text.Length > MaxText)
            throw new CriaException($"a text of {text.Length} characters is no answer with boxes; {MaxText} are the most");
        var boxes = new List<GroundingBox>();
        foreach (Match match in Box().Matches(text))
        {
            var values = match.Groups["n"].Captures.Select(c => double.Parse(c.ValueSpan.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture)).ToArray();
            var (width, height) = match.Value.Contains('%') ? (100.0, 100.0)
                : values.Max() <= 1 ? (1, 1)
                : pixels ?? (0, 0);
            if (width == 0)
                continue;
            var (x1, y1, x2, y2) = (Fraction(values[0], width), Fraction(values[1], height), Fraction(values[2], width), Fraction(values[3], height));
            if (x1 != x2 && y1 != y2)
                boxes.Add(new(Clean(match.Groups["label"].Value), Math.Min(x1, x2), Math.Min(y1, y2), Math.Max(x1, x2), Math.Max(y1, y2)));
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

    /// <summary>Without the marks of lists and markdown.</summary>
    static string Clean(string label) => label.Trim().TrimStart('-', '*', '#', '>', ' ').Trim('*', '"', '`', '\'', ' ');

    const string Number = @"(?<n>-?\d{1,6}(\.\d{1,9})?%?)", Space = @"\s{0,4}", Comma = Space + "," + Space;

    /// <summary>Every repetition has an end, so that no text takes long.</summary>
    [GeneratedRegex(@"((?<label>[^\n:\[\](){}]{0,80}):" + Space + @")?[\[(]{1,2}" + Space + Number + Comma + Number + Space + @"[\])]?" + Comma + @"[\[(]?" + Space + Number + Comma + Number + Space + @"[\])]",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Box();
}
