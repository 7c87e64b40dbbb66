using Cria.Formats;
using Cria.Models;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>The images of a dialogue: <see cref="DataContent"/> in messages of the user.</summary>
static class ChatImages
{
    /// <summary>Images that are decoded at once, whoever asks: one may take 800 MB for a moment.</summary>
    static readonly SemaphoreSlim Decoders = new(Math.Min(4, Environment.ProcessorCount));

    /// <summary>The images in the order in which the prompt has tokens for them.</summary>
    public static IEnumerable<DataContent> Of(IEnumerable<ChatMessage> dialogue) => dialogue.SelectMany(m => m.Contents).OfType<DataContent>();

    /// <summary>Refuses what the model cannot be given.</summary>
    /// <exception cref="CriaException">A message holds a file, an image that is not there, or one where it may not be.</exception>
    public static void Check(IEnumerable<ChatMessage> dialogue, bool takesImages)
    {
        foreach (var message in dialogue)
            foreach (var content in message.Contents.Where(c => c is DataContent or UriContent or HostedFileContent))
            {
                if (!takesImages)
                    throw new CriaException("a message holds an image or a file; this model reads text only");
                if (content is UriContent uri)
                    throw new CriaException($"a message holds the address {OneLine.Cut(uri.Uri.OriginalString)}, which is not fetched; give the image itself (DataContent)");
                if (content is not DataContent data || !data.HasTopLevelMediaType("image"))
                    throw new CriaException("a message holds a file that is no image; this model reads text and images");
                if (message.Role != ChatRole.User)
                    throw new CriaException($"a message of the {message.Role} holds an image; only those of the user may");
            }
    }

    /// <summary>The tiles of images, made on another thread: decoding takes a tenth of a second for a photo.</summary>
    /// <exception cref="CriaException">One cannot be read; the message has its name, or which of them it is.</exception>
    public static async Task<ImageTiles[]> ReadAsync(IReadOnlyList<DataContent> images, VisionConfig vision, CancellationToken cancellation)
    {
        var transform = new ImageTransform(vision.TileSize, vision.MaxTiles); // one thread: the others have answers to write
        var tiles = new ImageTiles[images.Count];
        for (var i = 0; i < tiles.Length; i++)
        {
            var (image, name) = (images[i], images[i].Name ?? $"image {i + 1} of {tiles.Length}");
            await Decoders.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                tiles[i] = await Task.Run(() => transform.Apply(image.Data.Span, name), cancellation).ConfigureAwait(false);
            }
            finally
            {
                Decoders.Release();
            }
        }
        return tiles;
    }
}
