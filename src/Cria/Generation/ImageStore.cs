using System.Diagnostics;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// Reads the images of requests before these are admitted, one after another in the order of arrival, and keeps what was read for later requests: a question
/// about an image that was seen before costs no reading. Belongs to the scheduler's thread.
/// </summary>
sealed class ImageStore(TextModel model, long budget) : IDisposable
{
    readonly List<Request> _waiting = [];
    readonly LinkedList<ImageFeatures> _kept = []; // the one used last first
    ImageReading? _reading;

    /// <summary>How long reading goes on before others have their step; one step of it at least.</summary>
    public TimeSpan Slice { get; init; } = TimeSpan.FromMilliseconds(100);

    public bool IsIdle => _waiting.Count == 0;

    /// <summary>Takes in a request that misses images.</summary>
    public void Add(Request request) => _waiting.Add(request);

    /// <summary>Reads on for a moment; gives those that miss no image any more.</summary>
    public List<Request> Advance()
    {
        var started = Stopwatch.GetTimestamp();
        var ready = new List<Request>();
        for (var steps = 0; _waiting.Count > 0 && (steps == 0 || Stopwatch.GetElapsedTime(started) < Slice); steps++)
        {
            var next = _waiting[0];
            try
            {
                if (next.IsOver)
                    Drop(next);
                else if (next.MissingImage is not { } image)
                {
                    _waiting.RemoveAt(0);
                    ready.Add(next);
                }
                else if (_kept.FirstOrDefault(kept => kept.IsOf(image, model.AdapterOfImages(next.Adapter))) is { } known)
                {
                    _kept.Remove(known);
                    _kept.AddFirst(known);
                    next.See(known);
                }
                else if (!Read(image, next))
                    break;
            }
            catch (Exception e)
            {
                next.Fail(e is CriaException ? e : new CriaException($"an image cannot be read: {e.Message}", e));
                Drop(next);
                EndReading(); // it may be broken
            }
        }
        if (_waiting.Count == 0)
            EndReading(); // of somebody who has left
        return ready;
    }

    /// <summary>What is kept of images for texts without an adapter of their own, up to the first of which nothing is.</summary>
    public List<ImageFeatures> Find(IEnumerable<ImageTiles> images) =>
        [.. images.Select(image => _kept.FirstOrDefault(kept => kept.IsOf(image, model.AdapterOfImages(null)))).TakeWhile(kept => kept is not null).OfType<ImageFeatures>()];

    /// <summary>Takes over what was read elsewhere.</summary>
    /// <exception cref="CriaException">There is no room for all of it; the caller still has it.</exception>
    public void Keep(List<ImageFeatures> images)
    {
        if (!MakeRoom(images.Sum(image => image.Bytes)))
            throw new CriaException($"there is no room for {images.Count} images: others take it");
        images.ForEach(image => _kept.AddFirst(image));
    }

    /// <summary>Ends all that wait with an error.</summary>
    public void Fail(Func<Exception> error)
    {
        _waiting.ForEach(request => request.Fail(error()));
        _waiting.Clear();
    }

    /// <summary>Does a step of reading an image for a request; false if its place is taken by images that others see.</summary>
    bool Read(ImageTiles image, Request request)
    {
        var adapter = model.AdapterOfImages(request.Adapter);
        if (_reading?.IsOf(image, adapter) != true)
        {
            EndReading(); // of somebody who has left
            if (!MakeRoom(model.BytesOf(image)))
                return false;
            _reading = model.BeginImage(image, adapter);
        }
        var started = Stopwatch.GetTimestamp();
        var isRead = _reading.Advance();
        request.HearOfImage(isRead ? 1 : _reading.Part, isRead, Stopwatch.GetElapsedTime(started));
        if (!isRead)
            return true;
        _kept.AddFirst(_reading.Take());
        EndReading();
        return true;
    }

    void EndReading()
    {
        _reading?.Dispose();
        _reading = null;
    }

    bool MakeRoom(long bytes)
    {
        var held = _kept.Sum(kept => kept.Bytes);
        for (var node = _kept.Last; node is not null && held + bytes > budget;)
        {
            var (image, before) = (node.Value, node.Previous);
            if (!image.IsShared)
            {
                held -= image.Bytes;
                _kept.Remove(node);
                image.Dispose();
            }
            node = before;
        }
        return held + bytes <= budget;
    }

    void Drop(Request request)
    {
        _waiting.Remove(request);
        request.Free();
    }

    public void Dispose()
    {
        EndReading();
        foreach (var image in _kept)
            image.Dispose();
        _kept.Clear();
    }
}
