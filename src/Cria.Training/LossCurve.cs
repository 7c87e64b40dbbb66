using System.Globalization;
using SkiaSharp;

namespace Cria.Training;

/// <summary>
/// Draws losses over steps as a PNG: training smoothed in blue, validation in red, a logarithmic axis. Numbers are drawn from dots, so
/// that no font need be installed.
/// </summary>
static class LossCurve
{
    const int Width = 900, Height = 520, Left = 70, Right = 30, Top = 25, Bottom = 45, Dot = 2;

    // 0 to 9 and the point: rows of three dots from the top.
    static readonly int[][] Glyphs =
    [
        [7, 5, 5, 5, 7], [2, 6, 2, 2, 7], [7, 1, 7, 4, 7], [7, 1, 7, 1, 7], [5, 5, 7, 1, 1], [7, 4, 7, 1, 7],
        [7, 4, 7, 5, 7], [7, 1, 2, 2, 2], [7, 5, 7, 5, 7], [7, 5, 7, 1, 7], [0, 0, 0, 0, 2],
    ];

    public static void Draw((List<(int Step, double Loss)> Training, List<(int Step, double Loss)> Validation) losses, string path)
    {
        var training = Smooth(losses.Training);
        List<(int Step, double Loss)> all = [.. training, .. losses.Validation];
        if (all.Count == 0)
            return;
        var (low, high, last) = (Math.Log10(Math.Max(1e-4, all.Min(p => p.Loss))) - 0.02, Math.Log10(all.Max(p => p.Loss)) + 0.02, Math.Max(1, all.Max(p => p.Step)));
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        using var ink = new SKPaint { Color = SKColors.Black };
        using var grid = new SKPaint { Color = new SKColor(225, 225, 225) };
        for (var i = 0; i <= 5; i++)
        {
            var (value, step) = (low + (high - low) * i / 5, last * i / 5);
            canvas.DrawLine(Left, Y(value), Width - Right, Y(value), grid);
            Number(Math.Pow(10, value).ToString("0.###", CultureInfo.InvariantCulture), Left - 8, Y(value) - 5, align: 1);
            Number(step.ToString(CultureInfo.InvariantCulture), X(step), Height - Bottom + 12, align: 0.5f);
        }
        Line(training, new SKColor(40, 90, 200));
        Line(losses.Validation, new SKColor(210, 50, 40));
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());

        float X(double step) => Left + (float)(step / last) * (Width - Left - Right);
        float Y(double value) => Height - Bottom - (float)((value - low) / (high - low)) * (Height - Top - Bottom);
        void Number(string number, float x, float y, float align)
        {
            x -= align * number.Length * 4 * Dot;
            foreach (var c in number)
            {
                var glyph = Glyphs[c == '.' ? 10 : c - '0'];
                for (var i = 0; i < 15; i++)
                    if ((glyph[i / 3] >> (2 - i % 3) & 1) != 0)
                        canvas.DrawRect(x + i % 3 * Dot, y + i / 3 * Dot, Dot, Dot, ink);
                x += 4 * Dot;
            }
        }
        void Line(List<(int Step, double Loss)> points, SKColor colour)
        {
            using var paint = new SKPaint { Color = colour, StrokeWidth = 2, IsAntialias = true };
            for (var i = 1; i < points.Count; i++)
                canvas.DrawLine(X(points[i - 1].Step), Y(Log(points[i - 1].Loss)), X(points[i].Step), Y(Log(points[i].Loss)), paint);
        }
    }

    static double Log(double loss) => Math.Log10(Math.Max(1e-4, loss));

    /// <summary>Means over about 300 stretches.</summary>
    static List<(int Step, double Loss)> Smooth(List<(int Step, double Loss)> points)
    {
        var size = Math.Max(1, points.Count / 300);
        return [.. points.Chunk(size).Select(c => (c[^1].Step, c.Average(p => p.Loss)))];
    }
}
