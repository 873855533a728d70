"""Weather and time of day: sun, ambient light, haze, sky, and what the sensor makes of them."""

from dataclasses import dataclass
from math import cos, exp, sin

import cv2
import numpy as np

from street_scenes.camera import Camera
from street_scenes.noise import noise
from street_scenes.palette import bgr

# zenith, horizon, sunlight, ambient light, sun strength, clouds (0 to 1), haze range in metres
WEATHER = {
    'clear': ('4f7fb8', 'b9cfe0', 'fff0d8', '8fa2b8', 0.95, 0.25, 900),
    'cloudy': ('7f93ab', 'c6ccd2', 'fff4e4', 'a0a6ae', 0.55, 0.9, 500),
    'overcast': ('9a9d9f', 'c4c5c4', 'f0f0f0', 'c6c8ca', 0.06, 0.5, 350),
    'mist': ('a4a8a8', 'b6b8b6', 'f0f0f0', 'c0c2c4', 0.03, 0.2, 110),
    'evening': ('56688f', 'd8a878', 'ffb878', '9a8c94', 0.8, 0.5, 450),
    'dusk': ('2c3852', '8c7c80', 'b0a0a8', '8c90a0', 0.05, 0.5, 300),
}


@dataclass(frozen=True)
class Light:
    """The light of one scene; colours are BGR, ``sun`` is the unit vector towards the sun."""

    sun: tuple[float, float, float]
    zenith: np.ndarray
    horizon: np.ndarray
    sunlight: np.ndarray
    ambient: np.ndarray
    strength: float
    clouds: float
    haze_range: float
    cloud_offset: float
    exposure: float
    gamma: float
    balance: np.ndarray
    blur: float
    grain: float

    def shade(self, colour: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Colour of a surface of unit ``normal``: ambient light from above plus the sun."""
        x, y, z = (float(value) for value in normal)
        facing = max(0.0, x * self.sun[0] + y * self.sun[1] + z * self.sun[2])
        return colour * (self.ambient * (0.78 + 0.22 * y) + self.sunlight * (self.strength * facing))

    def haze(self, colour: np.ndarray, depth: np.ndarray | float) -> np.ndarray:
        """Fades a colour, or an image with its depth map, into the colour of the horizon."""
        clear = (
            exp(-depth / self.haze_range) if isinstance(depth, float) else np.exp(-depth / self.haze_range)[..., None]
        )
        return self.horizon + (colour - self.horizon) * clear

    def sky(self, camera: Camera) -> np.ndarray:
        """The sky down to the horizon (rows, width, 3), float32."""
        rows = int(camera.pose.horizon * camera.height) + 2
        column = (np.arange(camera.width, dtype=np.float32) + 0.5) / camera.width - 0.5 + camera.pose.yaw
        row = camera.pose.horizon - (np.arange(rows, dtype=np.float32) + 0.5) / camera.height
        height = np.maximum(row, 0)[:, None]
        cover = noise(column[None] / (height + 0.12), 1 / (height + 0.12) + 0 * column, 0.02, self.cloud_offset, 1.7)
        rise = np.clip(height / 0.5, 0, 1)[..., None] ** 0.6 + 0 * cover[..., None]
        sky = self.horizon + (self.zenith - self.horizon) * rise
        cloud = np.clip(cover + 2 * self.clouds - 1.2, 0, 1)[..., None] * min(1, self.clouds + 0.2)
        return sky + (self.horizon * 1.08 * (0.92 + 0.08 * cover[..., None]) - sky) * cloud


def sample_light(rng: np.random.Generator) -> Light:
    """Draws the weather, the place of the sun and the settings of the sensor."""
    names = list(WEATHER)
    weather = WEATHER[names[rng.choice(len(names), p=[0.28, 0.24, 0.22, 0.08, 0.12, 0.06])]]
    *colours, strength, clouds, haze_range = weather
    zenith, horizon, sunlight, ambient = (bgr(code) for code in colours)
    azimuth, height = rng.uniform(-np.pi, np.pi), rng.uniform(0.35, 1.1)
    sun = (sin(azimuth) * cos(height), sin(height), cos(azimuth) * cos(height))
    return Light(
        sun=sun,
        zenith=zenith,
        horizon=horizon * rng.uniform(0.85, 1.1),
        sunlight=sunlight,
        ambient=ambient * rng.uniform(0.9, 1.1),
        strength=strength * rng.uniform(0.7, 1.1),
        clouds=clouds * rng.uniform(0.5, 1.2),
        haze_range=haze_range * rng.uniform(0.7, 1.4),
        cloud_offset=rng.random(),
        exposure=rng.uniform(0.85, 1.3),
        gamma=rng.uniform(0.8, 1.2),
        balance=np.exp(rng.normal(0, 0.07, 3)).astype(np.float32),
        blur=rng.uniform(0.0003, 0.0012),
        grain=rng.uniform(0.006, 0.02),
    )


def develop(image: np.ndarray, light: Light, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Turns the painted light into the picture of a camera.

    Args:
        image: Painted scene (h, w, 3), float32, possibly larger than the picture.
        light: Holds exposure, white balance, gamma, blur (in image widths) and grain.
        size: Height and width of the picture.
        rng: Source of the sensor noise.

    Returns:
        uint8 picture (height, width, 3), BGR.
    """
    height, width = size
    image = cv2.GaussianBlur(image, (0, 0), max(0.3, light.blur * image.shape[1]))
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    vignette = 1 - 0.12 * (x[None] ** 2 + y[:, None] ** 2)[..., None]
    picture = np.maximum(image * light.balance * light.exposure * vignette, 0) ** light.gamma
    picture += light.grain * rng.standard_normal(picture.shape, dtype=np.float32)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
