document.addEventListener("play", event => {
  for (const other of document.querySelectorAll("audio"))
    if (other !== event.target) other.pause();
}, true);
