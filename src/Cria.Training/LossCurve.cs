using System.Globalization;
using SkiaSharp;

namespace Cria.Training;

/// <summary>Draws losses over steps as a PNG: training smoothed, validation as points joined by a line, a logarithmic axis.</summary>
static class LossCurve
{
    const int Width = 900, Height = 520, Left = 70, Right = 20, Top = 40, Bottom = 50;

    public static void Draw((List<(int Step, double Loss)> Training, List<(int Step, double Loss)> Validation) losses, string path, string title)
    {
        var training = Smooth(losses.Training);
        List<(int Step, double Loss)> all = [.. training, .. losses.Validation];
        if (all.Count == 0)
            return;
        var (low, high, last) = (Math.Log10(Math.Max(1e-4, all.Min(p => p.Loss))) - 0.02, Math.Log10(all.Max(p => p.Loss)) + 0.02, Math.Max(1, all.Max(p => p.Step)));
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        using var text = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        using var font = new SKFont { Size = 14 };
        using var grid = new SKPaint { Color = new SKColor(225, 225, 225) };
        for (var i = 0; i <= 5; i++)
        {
            var (value, step) = (low + (high - low) * i / 5, last * i / 5);
            canvas.DrawLine(Left, Y(value), Width - Right, Y(value), grid);
            canvas.DrawText(Math.Pow(10, value).ToString("0.###", CultureInfo.InvariantCulture), Left - 8, Y(value) + 5, SKTextAlign.Right, font, text);
            canvas.DrawText(step.ToString(CultureInfo.InvariantCulture), X(step), Height - Bottom + 22, SKTextAlign.Center, font, text);
        }
        canvas.DrawText($"{title}: loss (training blue, validation red) over steps", Left, Top - 15, SKTextAlign.Left, font, text);
        Line(training, new SKColor(40, 90, 200));
        Line(losses.Validation, new SKColor(210, 50, 40));
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());

        float X(double step) => Left + (float)(step / last) * (Width - Left - Right);
        float Y(double value) => Height - Bottom - (float)((value - low) / (high - low)) * (Height - Top - Bottom);
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
