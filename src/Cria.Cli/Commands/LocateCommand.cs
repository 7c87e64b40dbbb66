using System.CommandLine;
using Cria.Chat;
using Cria.Formats;
using Cria.Images;

namespace Cria.Cli.Commands;

/// <summary>`cria locate`: where something is in a picture.</summary>
static class LocateCommand
{
    public static Command Create()
    {
        var what = new Argument<string>("WHAT") { Description = "What to find, such as \"every dog\"" };
        var image = new Option<string>("--image") { Description = "The picture", Required = true }.NotEmpty();
        var output = new Option<string?>("--out") { Description = "A PNG to write: the picture with the boxes drawn on it" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("locate", "Boxes of things in a picture.") { what, image, output, json };
        var run = new ModelOptionsBinder(command);
        var sampling = new SamplingOptionsBinder(command);
        command.SetAction(async (r, cancellation) =>
        {
            var picture = Input.ReadImage(r.GetValue(image)!);
            var size = GroundingBox.SizeOf(picture.Data.Span, picture.Name!);
            using var client = CriaChatClient.Load(run.Path(r), new() { Model = run.Options(r) });
            var boxes = await client.LocateAsync(picture, r.GetValue(what)!, sampling.Chat(r.CommandResult), cancellation);
            if (r.GetValue(output) is { } file)
                WholeFile.Write(file, target => target.Write(GroundingBox.Draw(picture.Data.Span, picture.Name!, boxes)));
            if (r.GetValue(json))
                Output.Json(w =>
                {
                    w.WriteNumber("width", size.Width);
                    w.WriteNumber("height", size.Height);
                    w.WriteStartArray("boxes");
                    foreach (var box in boxes)
                    {
                        var (left, top, right, bottom) = box.Pixels(size);
                        w.WriteStartObject();
                        w.WriteString("label", box.Label);
                        w.WriteNumber("left", left);
                        w.WriteNumber("top", top);
                        w.WriteNumber("right", right);
                        w.WriteNumber("bottom", bottom);
                        w.WriteEndObject();
                    }
                    w.WriteEndArray();
                });
            else
                foreach (var box in boxes)
                    Console.Out.WriteLine($"{box.Label}: {box.Pixels(size)}"); // (left, top, right, bottom)
            return 0;
        });
        return command;
    }
}
